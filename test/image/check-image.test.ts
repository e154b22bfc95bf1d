import { chmodSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsSandbox, Sandbox } from './sandbox.js';

/** The check that a team runs on an image of its own: it passes ours, and it notices what is wrong with others. */
let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => {
  sandbox.remove();
});

const check = (
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string }> =>
  sandbox.run(env, ['/usr/bin/tini', '-s', '--', '/usr/local/bin/check-image.sh', '--inside']);

/** An entrypoint of somebody else, in a place that the user of the image can write to. */
function entrypoint(...lines: readonly string[]): Record<string, string> {
  const path = sandbox.path('template', 'entrypoint.sh');
  writeFileSync(path, ['#!/bin/bash', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return { CHECK_ENTRYPOINT: '/opt/fullstackagent/template/entrypoint.sh' };
}

describe('check-image.sh', () => {
  it('finds nothing wrong with our own image', async (ctx) => {
    needsSandbox(ctx);
    const { code, output } = await check();
    expect(output.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
    expect(output).toMatch(/\n0 failed\n/);
    expect(output).toContain('ok    a WebSocket is opened with it');
    expect(code).toBe(0);
  });

  it('notices a token on the command line', async (ctx) => {
    needsSandbox(ctx);
    const { code, output } = await check(
      entrypoint(
        '[[ -n ${TTYD_ACCESS_TOKEN:-} ]] || { echo "no TTYD_ACCESS_TOKEN" >&2; exit 1; }',
        'exec ttyd -d 3 -p "$TTYD_PORT" -W -a -c "user:$TTYD_ACCESS_TOKEN" ttyd-startup.sh',
      ),
    );
    expect(output).toContain('FAIL  no process, argument or file has the token where a shell can read it');
    expect(output).toContain('ok    a WebSocket is opened with it');
    expect(output).toMatch(/\n1 failed\n/);
    expect(code).toBe(1);
  });

  it('notices a terminal without a credential, that starts without a token too', async (ctx) => {
    needsSandbox(ctx);
    const { code, output } = await check(
      entrypoint('unset TTYD_ACCESS_TOKEN', 'exec timeout 60 ttyd -d 3 -p "$TTYD_PORT" -W -a bash'),
    );
    for (const what of [
      'the entrypoint refuses to start without TTYD_ACCESS_TOKEN and names it',
      'it refuses a wrong credential',
      'a WebSocket needs the credential too',
    ])
      expect(output).toContain(`FAIL  ${what}`);
    expect(code).toBe(1);
  });
});
