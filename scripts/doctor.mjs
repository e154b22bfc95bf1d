#!/usr/bin/env node
// `npm run doctor`: what this machine has, what is missing, and the command that adds it. Changes nothing.
// Exit code 0: `npm start` can run. 1: something stands in its way.
import { doctor } from './lib/doctor/doctor.mjs';

process.exitCode = await doctor();
