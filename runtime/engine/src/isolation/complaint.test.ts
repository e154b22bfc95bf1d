import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { Confinement, probeIsolation } from './index.js';

const isolation = await probeIsolation({ path: searchPath(), log: pino({ level: 'silent' }), markers: {} });

/** pidfd_open and pidfd_getfd: programs of one user may take each other's files, where no Yama forbids it. */
const FLOOD = `
import ctypes, glob, os
call = ctypes.CDLL(None).syscall
taken = 0
for path in glob.glob('/proc/[0-9]*'):
    id = int(path[6:])
    if id == os.getpid(): continue
    process = call(434, id, 0)
    file = call(438, process, 2, 0) if process >= 0 else -1
    if file < 0: continue
    try:
        for _ in range(64): os.write(file, b'x' * 65536)
        taken += 1
    except OSError: pass
print(taken, flush=True)
`;

it.skipIf(isolation.kind === 'none')('keeps no more of what is said from inside than its end', async () => {
  if (isolation.kind === 'none') return;
  const folder = await mkdtemp(join(tmpdir(), 'fsa-complaint-'));
  const workspace = join(folder, 'workspace');
  await mkdir(workspace);
  await writeFile(join(workspace, 'flood.py'), FLOOD);
  const confinement = await Confinement.start({
    ...{
      isolation,
      markers: {},
      folder,
      name: 'ns-complaint/blog-0',
      hostname: 'blog-0',
      home: '/workspace',
    },
    workingDirectory: '/workspace',
    binds: [{ source: workspace, target: '/workspace', readOnly: false }],
  });
  try {
    const { file, args } = confinement.command('python3', ['flood.py']);
    const child = spawn(file, [...args], { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
    const taken = Number(await textOf(child.stdout));
    // Where the kernel is stricter nobody gets at it, which is as well.
    if (taken === 0) return;
    process.kill(confinement.pid, 'SIGKILL');
    const { output } = await confinement.whenLost;
    expect(output).toMatch(/^x+$/);
    expect(output.length).toBeLessThan(10_000);
  } finally {
    await confinement.end();
    await rm(folder, { recursive: true, force: true });
  }
});
