export { Store } from '../store/store.js';
export { Applier } from './applier.js';
export { LastingObjects } from './lasting-objects.js';
export { RenderedBranch } from './rendered-branch.js';
