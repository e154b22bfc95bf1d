export {
  mergeFile,
  mergeProjects,
  type FileSides,
  type MergedFile,
  type MergedProject,
} from './merge-file.js';
