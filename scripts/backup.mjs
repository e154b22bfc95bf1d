#!/usr/bin/env node
// `npm run backup`: one archive of the home folder, made while the platform runs or not: `npm run backup -- file.tar.gz`.
import { care } from './lib/care.mjs';

await care('backup');
