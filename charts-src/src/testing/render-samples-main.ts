import { renderSamples } from './render-samples.js';

// eslint-disable-next-line no-restricted-globals -- this is the process
const COUNT = Number(process.argv[2]);

/** In a process of its own: locale and time zone are read once, when one starts. */
// eslint-disable-next-line no-restricted-globals -- this is the process
process.stdout.write(JSON.stringify(renderSamples(COUNT)));
