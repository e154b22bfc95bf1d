#!/usr/bin/env node
// `npm test`: everything that can run on this machine, from a fresh clone on. Arguments go to vitest:
// `npm test -- --project charts sandbox`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepare } from './lib/prepare.mjs';
import { root } from './lib/run.mjs';

const summaryFile = join(root, 'test', 'results', 'summary.json');
const inCi = process.env['CI'] === 'true';

function runVitest(args) {
  rmSync(summaryFile, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = [
    '--reporter=default',
    `--reporter=${join(root, 'test', 'support', 'summary-reporter.ts')}`,
  ];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, TEST_SUMMARY_FILE: summaryFile },
    });
    // Vitest gets the terminal's Ctrl-C itself; this process stays to print how far it came.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** A run that ended without a summary (killed, out of memory) is one failure, never zero. */
function readSummary() {
  if (existsSync(summaryFile)) return JSON.parse(readFileSync(summaryFile, 'utf8'));
  return {
    passed: 0,
    failed: 0,
    skipped: [],
    errors: ['the test run ended early'],
    brokenFiles: [],
    missing: [],
  };
}

function printSkipped({ skipped, missing }) {
  if (missing.length > 0) {
    console.log('\nNot on this machine:');
    for (const { name, why } of missing) console.log(`  ${name}: ${why}`);
  }
  if (skipped.length === 0) return;
  console.log('\nSkipped:');
  for (const [reason, names] of byReason(skipped)) {
    console.log(`  ${names.length === 1 ? '1 test' : `${names.length} tests`}: ${reason}`);
    for (const name of new Set(names.map((full) => full.split(' > ')[0]))) console.log(`    ${name}`);
  }
}

function byReason(skipped) {
  const groups = new Map();
  for (const { name, note = 'no reason given' } of skipped)
    groups.set(note, [...(groups.get(note) ?? []), name]);
  return groups;
}

/** Failures beyond the tests' own: each is one line, and each counts. */
function furtherFailures(summary, exitCode) {
  const lines = [...summary.brokenFiles, ...summary.errors];
  if (inCi) {
    const wanted = summary.missing.filter(({ expectedInCi }) => expectedInCi);
    lines.push(...wanted.map(({ name, why }) => `CI has to have ${name}: ${why}`));
  }
  if (exitCode !== 0 && summary.failed === 0 && lines.length === 0)
    lines.push(`vitest ended with code ${exitCode}`);
  return lines;
}

const args = process.argv.slice(2);
// Unit tests run from source; only the journeys need what a build makes.
const projects = args.filter((_, index) => args[index - 1] === '--project');
await prepare({ built: projects.length === 0 || projects.includes('journeys') });
const exitCode = await runVitest(args);
const summary = readSummary();
const further = furtherFailures(summary, exitCode);
const failed = summary.failed + further.length;

printSkipped(summary);
if (further.length > 0)
  console.log(`\nFailed outside a test:\n${further.map((line) => `  ${line}`).join('\n')}`);
const skips = summary.skipped.length === 0 ? '' : `, ${summary.skipped.length} skipped`;
console.log(`\n${summary.passed} passed, ${failed} failed${skips}`);
process.exit(failed === 0 ? 0 : 1);
