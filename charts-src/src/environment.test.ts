import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderSamples, type Rendered } from './testing/render-samples.js';

const COUNT = 24;
const MAIN = fileURLToPath(new URL('testing/render-samples-main.ts', import.meta.url));
/** Runs a TypeScript file where Node does not. */
const LOADER = new URL('../../controller/src/shared/typescript-loader-for-tests.mjs', import.meta.url).href;

/** In a process that was started like this, with nothing else in its environment. */
function renderedIn(environment: Readonly<Record<string, string>>, ...options: readonly string[]): Rendered {
  const args = [...options, '--import', LOADER, MAIN, `${COUNT}`];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', env: environment, timeout: 60_000 });
  return JSON.parse(text) as Rendered;
}

describe('the same bytes', () => {
  const here = renderSamples(COUNT);

  it('of documents that differ', () => {
    expect(new Set(here.hashes).size).toBeGreaterThan(COUNT / 2);
  });

  // What a locale changes: ı and İ in Turkish, the order of å and z in Swedish, digits in Arabic.
  it.each([
    ['tr-TR', 'Pacific/Kiritimati'],
    ['sv-SE', 'America/St_Johns'],
    ['ar-EG', 'Asia/Kathmandu'],
    ['th-TH', 'Etc/GMT+12'],
  ])('in a process that is in %s and %s', (locale, timeZone) => {
    const posix = `${locale.replace('-', '_')}.UTF-8`;
    const there = renderedIn({ LANG: posix, LC_ALL: posix, TZ: timeZone });
    // Otherwise this would prove nothing.
    expect([there.locale, there.timeZone.replace('Katmandu', 'Kathmandu')]).toEqual([locale, timeZone]);
    expect(there.hashes).toEqual(here.hashes);
  });

  it('with another start of chance, and what cdk8s lets an environment say', () => {
    const environment = { CDK8S_DISABLE_SORT: '1', CDK8S_LEGACY_HASH: '1', CDK8S_OUTDIR: '/nowhere' };
    expect(renderedIn(environment, '--random-seed=7').hashes).toEqual(here.hashes);
  });

  it('in whatever order documents are rendered, and however often', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...here.hashes.keys()], { minLength: COUNT }), (order) => {
        expect(renderSamples(COUNT, () => [...order, ...order.slice(0, 5)]).hashes).toEqual(here.hashes);
      }),
      { numRuns: 5 },
    );
  });
});
