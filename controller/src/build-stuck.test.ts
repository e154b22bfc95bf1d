import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { imageBuilds } from './build-images.js';
import { buildRequest, PATH, runnerIn, until } from './builds-for-tests.js';
import type { Runner } from './sandbox/exec-stream.js';
import { temporaryFolder } from './shared/repository-for-tests.js';

const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };

/** A sandbox's own buildah, which makes pipes that nobody writes to of what would be read. */
const BUILDAH = `#!/bin/sh
case "$*" in
  *oci:*) mkdir "$HOME/.cache/fullstackagent/build/image" && mkfifo "$HOME/.cache/fullstackagent/build/image/index.json" ;;
esac
`;

it('an image that cannot be read to its end does not keep its build', async () => {
  const folder = await temporaryFolder();
  const [bin, workspace, home] = [join(folder, 'bin'), join(folder, 'workspace'), join(folder, 'home')];
  for (const made of [bin, workspace, home]) await mkdir(made);
  await writeFile(join(bin, 'buildah'), BUILDAH, { mode: 0o755 });
  // Root's builds get mounts of their own, which not every machine of tests allows.
  await writeFile(join(bin, 'unshare'), '#!/bin/sh\nshift\nexec "$@"\n', { mode: 0o755 });
  await writeFile(join(workspace, 'Dockerfile'), 'FROM scratch\n');
  const inner = runnerIn(workspace, home, `${bin}:${PATH}`);
  let started = 0;
  const sandbox: Runner = {
    run: (...asked) => {
      started += 1;
      return inner.run(...asked);
    },
  };
  const builds = imageBuilds({ sandbox, config: {}, log: pino({ enabled: false }) });
  onTestFinished(() => builds.close());
  builds.start(key, buildRequest('127.0.0.1:1/blog'));
  await until('the image to be read', () => started === 2);
  expect(await builds.cancel(key)).toMatchObject({ state: 'cancelled' });
});
