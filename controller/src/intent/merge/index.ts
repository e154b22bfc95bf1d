export { differenceShown, documentShown, fieldShown, valueShown } from './as-shown.js';
export {
  mergeFile,
  mergeProjects,
  type FileSides,
  type MergedFile,
  type MergedProject,
} from './merge-file.js';
