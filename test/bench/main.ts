import { askedFor, USAGE } from './arguments.js';
import { benchIntent } from './intent.js';
import { benchPlatform } from './platform.js';

const asked = askedFor(process.argv.slice(2));
switch (asked.what) {
  case 'help':
    console.log(USAGE);
    break;
  case 'wrong':
    console.error(`${asked.problem}\n\n${USAGE}`);
    process.exitCode = 1;
    break;
  case 'intent':
    await benchIntent(asked.sizes);
    break;
  case 'platform':
    await benchPlatform(asked.projects === undefined ? {} : { projects: asked.projects }, asked.isolations);
    break;
}
