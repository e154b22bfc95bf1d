export { charts, type Charts } from './charts.js';
export { folderEdits, type RenderedFolder } from './folder.js';
export { renderProjectFolder, renderTenantFolder, type Rendering } from './render.js';
