import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { capabilities } from './capabilities.js';

/** What `scripts/test.mjs` prints at the end. */
interface Summary {
  passed: number;
  failed: number;
  skipped: { name: string; note: string | undefined }[];
  /** Failures outside a test: a file that cannot be loaded, a hook that threw, an unhandled rejection. */
  errors: string[];
  /** Files that failed without any of their tests failing. */
  brokenFiles: string[];
  missing: { name: string; why: string; expectedInCi: boolean }[];
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

function count(summary: Summary, test: TestCase): void {
  const result = test.result();
  if (result.state === 'passed') summary.passed += 1;
  else if (result.state === 'skipped') summary.skipped.push({ name: test.fullName, note: result.note });
  // A test that is still pending when the run is over never got to run: that is not a pass.
  else summary.failed += 1;
}

function countModule(summary: Summary, module: TestModule): void {
  const failedBefore = summary.failed;
  for (const test of module.children.allTests()) count(summary, test);
  if (module.state() === 'failed' && summary.failed === failedBefore) {
    const reason = module.errors()[0]?.message ?? 'a hook failed';
    summary.brokenFiles.push(`${module.relativeModuleId}: ${firstLine(reason)}`);
  }
}

const missing = Object.entries(capabilities)
  .filter(([, capability]) => capability.path === undefined)
  .map(([name, { missing: why, expectedInCi }]) => ({ name, why, expectedInCi }));

/** Writes the figures of a run to the file named by `TEST_SUMMARY_FILE`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    const file = process.env['TEST_SUMMARY_FILE'];
    if (file === undefined) return;
    const errors = unhandled.map((error) => firstLine(error.message));
    const summary: Summary = { passed: 0, failed: 0, skipped: [], errors, brokenFiles: [], missing };
    for (const module of modules) countModule(summary, module);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(summary));
  }
}
