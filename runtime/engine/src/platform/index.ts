export { runPlatform } from './main.js';
