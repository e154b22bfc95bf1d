#!/usr/bin/env node
// `npm run restore`: a home folder from such an archive, where there is none yet: `npm run restore -- file.tar.gz`.
import { care } from './lib/care.mjs';

await care('restore');
