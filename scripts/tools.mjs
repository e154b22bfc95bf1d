#!/usr/bin/env node
// `npm run tools`: says whether Claude Code is there for sandboxes of this machine; `-- install` and `-- remove` change it.
import { care } from './lib/care.mjs';

await care('tools');
