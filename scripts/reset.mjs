#!/usr/bin/env node
// `npm run reset`: removes the home folder for ever, once its name was typed.
import { care } from './lib/care.mjs';

await care('reset');
