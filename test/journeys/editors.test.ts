import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { has, needs } from '../support/capabilities.js';
import { OWNER, owner } from '../support/fixtures.js';
import { freePort } from '../support/folders.js';
import { journey } from '../support/journey.js';
import { Platform } from '../support/platform.js';
import { allProcesses, isAlive, type Process } from '../support/processes.js';
import type { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { Computer } from '../support/ssh.js';
import { until } from '../support/until.js';
import { processesIn } from '../support/victims.js';

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const logsOf = (platform: Platform): string =>
  readdirSync(join(platform.home, 'logs'))
    .map((name) => readFileSync(join(platform.home, 'logs', name), 'utf8'))
    .join('');

/** Of connections through the platform, on either end: helpers, and what runs in sandboxes for them. */
function connections(platform: Platform, computer: Computer): readonly Process[] {
  const all = allProcesses();
  const engines = new Set(processesIn(platform.home, 'engine').map(({ pid }) => pid));
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isInside = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (engines.has(at)) return true;
    return false;
  };
  const helper = `${computer.home}/.ssh/fullstackagent/helper.py connect`;
  return all.filter(
    ({ pid, command }) =>
      command.includes(helper) ||
      ((command.startsWith('sshd:') || command.includes('fullstackagent-ssh.')) && isInside(pid)),
  );
}

/** `before`: what was there while something was connected. Their parents may be gone, and they must be too. */
async function noConnections(
  platform: Platform,
  computer: Computer,
  before: readonly Process[] = [],
): Promise<void> {
  await until('no process of a connection to be left', () => {
    const left = [...connections(platform, computer), ...before.filter(({ pid }) => isAlive(pid))];
    if (left.length === 0) return true;
    throw new Error(left.map(({ command }) => command.slice(0, 160)).join('\n'));
  });
}

describe('editors and stock OpenSSH in a sandbox', () => {
  const computer = new Computer();
  const content = randomBytes(64 * 1024 * 1024);
  const local = (name: string): string => join(computer.home, name);
  let page: Page;
  let project: ProjectPage;
  let complaints: string[];
  let host = '';
  let command = '';
  const platform = journey('editors', {
    needs: ['openssh', 'python3'],
    opened: (opened) => {
      ({ page, project, complaints } = opened);
    },
  });
  afterAll(() => {
    computer.remove();
  });

  const openDialog = (): Promise<void> =>
    page.getByRole('region', { name: 'Editors' }).getByRole('button', { name: 'Connect' }).click();
  const closeDialog = async (): Promise<void> => {
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  };
  const signedIn = async (): Promise<Api> => {
    const api = new Api(platform.url);
    await api.signIn(OWNER);
    return api;
  };

  it('gives one command on the page of the project', async () => {
    await project.join(platform.url);
    await project.createProject('My Blog');
    await openDialog();
    await page.getByRole('button', { name: 'Make the command' }).waitFor();
    await pictures(page, 'editors-before');
    await page.getByRole('button', { name: 'Make the command' }).click();
    command = (await page.getByTestId('ssh-set-up-command').textContent()) ?? '';
    host = ((await page.getByTestId('ssh-command').textContent()) ?? '').replace('ssh ', '');
    const link = page.getByRole('link', { name: 'Open in VS Code' });
    expect(await link.getAttribute('href')).toBe(`vscode://vscode-remote/ssh-remote+${host}/workspace`);
    await pictures(page, 'editors-set-up');
    await closeDialog();
  });

  it('sets a computer up with it, once', async () => {
    expect(await computer.paste(command)).toContain(`ssh ${host}`);
    await expect(computer.paste(command)).rejects.toThrow(/used already or is older than ten minutes/);
    expect(await computer.ssh(host, 'id -un; pwd')).toBe('developer\n/workspace\n');
  });

  it('copies large files both ways, whole, with scp, sftp and rsync', async (context) => {
    writeFileSync(local('big.bin'), content);
    await computer.run('scp', '-q', local('big.bin'), `${host}:from-scp.bin`);
    writeFileSync(local('batch'), `put ${local('big.bin')} from-sftp.bin\n`);
    await computer.run('sftp', '-q', '-b', local('batch'), host);
    needs(context, 'rsync');
    await computer.run('rsync', local('big.bin'), `${host}:from-rsync.bin`);
    const said = await computer.ssh(host, 'sha256sum from-*.bin');
    expect(said.match(new RegExp(hashOf(content), 'g'))).toHaveLength(3);
    await computer.run('scp', '-q', `${host}:from-rsync.bin`, local('back.bin'));
    expect(hashOf(readFileSync(local('back.bin')))).toBe(hashOf(content));
    await noConnections(platform, computer);
  });

  it('forwards a port into the network of the sandbox', async () => {
    const port = await freePort();
    const server = `require('http').createServer((q, s) => s.end('from inside')).listen(8123, '127.0.0.1', () => console.log('up'))`;
    const inside = computer.hold(host, `exec node -e "${server}"`);
    await inside.waitFor('up');
    const forwarding = computer.hold('-N', '-L', `127.0.0.1:${port}:127.0.0.1:8123`, host);
    const answer = await until('the forwarded port to answer', async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      return response.text();
    });
    expect(answer).toBe('from inside');
    for (const held of [forwarding, inside]) held.kill('SIGTERM');
    await noConnections(platform, computer);
  });

  it('takes what VS Code begins with: a script on standard input beside dynamic forwarding', async () => {
    const port = await freePort();
    const script = 'uname -s; command -v tar >/dev/null && echo has-tar; tty || true\n';
    const said = computer.piped(
      script,
      '-T',
      '-D',
      `127.0.0.1:${port}`,
      '-o',
      'ConnectTimeout=15',
      host,
      'sh',
    );
    expect(said).toBe('Linux\nhas-tar\nnot a tty\n');
    const typed = computer.hold('-tt', host);
    typed.type('tty; exit 3\n');
    await typed.waitFor('/dev/pts/');
    expect(await typed.ended).toBe(3);
  });

  it('shares one connection among several sessions, and leaves no process when it ends', async () => {
    const socket = local('mux');
    const master = computer.hold('-M', '-N', '-S', socket, host);
    await until('the shared connection', () =>
      computer.ssh('-S', socket, '-O', 'check', host).then(() => true),
    );
    const said = await Promise.all(
      ['a', 'b', 'c'].map((word) => computer.ssh('-S', socket, host, `echo ${word}`)),
    );
    expect(said.join('')).toBe('a\nb\nc\n');
    const before = connections(platform, computer);
    expect(before.filter(({ command: words }) => words.includes('helper.py'))).toHaveLength(1);
    await computer.ssh('-S', socket, '-O', 'exit', host).catch(() => undefined);
    await master.ended;
    await noConnections(platform, computer, before);
  });

  it.each([
    ['ssh is killed', (held: { kill(signal: NodeJS.Signals): void }) => held.kill('SIGKILL')],
    [
      'the portal is killed',
      () => {
        for (const { pid } of processesIn(platform.home, 'portal')) process.kill(pid, 'SIGKILL');
      },
    ],
  ])('leaves no process when %s', async (_what, cut) => {
    const held = computer.hold('-tt', host);
    held.type('echo $((40 + 2))-here\n');
    await held.waitFor('42-here');
    const before = connections(platform, computer);
    expect(before.filter(({ command: words }) => words.startsWith('sshd:')).length).toBeGreaterThan(0);
    cut(held);
    await held.ended;
    await noConnections(platform, computer, before);
    await until('it to go on', () => computer.ssh(host, 'true').then(() => true));
    // The browser writes down what the test broke.
    await page.reload();
    complaints.splice(0);
  });

  it('shows its token to nobody, and writes down who connected', async () => {
    const { token } = computer;
    expect(command).not.toContain('fsa_');
    const held = computer.hold(host, 'echo in; cat');
    await held.waitFor('in');
    const seen = allProcesses().map(({ command: words }) => words);
    expect(seen.some((words) => words.includes('helper.py connect'))).toBe(true);
    held.kill('SIGTERM');
    await held.ended;
    await until('the end to be written down', () => logsOf(platform).includes('"audit":"ssh-closed"'));
    const logs = logsOf(platform);
    for (const text of [...seen, logs]) expect(text).not.toContain(token);
    const audit = logs.split('\n').find((line) => line.includes('"audit":"ssh-opened"')) ?? '';
    expect(JSON.parse(audit)).toMatchObject({
      name: 'my-blog',
      namespace: expect.stringMatching(/^ns-/) as string,
      user: expect.stringMatching(/^[a-z0-9]{24}$/) as string,
    });
  });

  it('refuses the token of a stranger', async (context) => {
    context.skip(
      !platform.output.includes('kept apart by bubblewrap'),
      'one account only, without isolation',
    );
    const mine = computer.token;
    const grace = new Api(platform.url);
    await grace.signUp({ username: 'grace', password: OWNER.password });
    const { token } = await grace.ask<{ token: string }>('POST', '/api/tokens', { name: 'x' });
    computer.token = token;
    expect(await computer.refusal(host, 'true')).toContain('fullstackagent: There is no such project.');
    const { namespace } = await (await signedIn()).project('my-blog');
    const foreign = `/api/projects/${namespace}~my-blog/ssh`;
    const answer = await fetch(platform.url + foreign, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(404);
    computer.token = mine;
  });

  it('ends what is open when the project stops, and says so', async () => {
    const api = await signedIn();
    const held = computer.hold('-tt', host);
    held.type('echo $((40 + 2))-here\n');
    await held.waitFor('42-here');
    await api.act('my-blog', 'stop');
    expect(await held.ended).toBe(255);
    await api.waitFor('my-blog', 'STOPPED');
    await noConnections(platform, computer);
    expect(await computer.refusal(host, 'true')).toMatch(
      new RegExp(`fullstackagent: The sandbox is not running\\. ${platform.url}/projects/my-blog`),
    );
    await project.waitFor('STOPPED');
    await openDialog();
    await page.getByText('Editors can connect when it does.').waitFor();
    await pictures(page, 'editors-stopped');
    await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: 'Make the command' }).waitFor({ timeout: 60_000 });
    await closeDialog();
    expect(await computer.ssh(host, 'ls from-scp.bin')).toBe('from-scp.bin\n');
  });

  it('ends what is open when the token is revoked, and takes it no more', async () => {
    const held = computer.hold(host, 'echo in; cat');
    await held.waitFor('in');
    await page.goto(`${platform.url}/settings`);
    await page
      .getByRole('button', { name: /^Revoke ssh on / })
      .first()
      .click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
    expect(await held.ended).toBe(255);
    await held.waitFor('The access token was revoked, or has expired.');
    expect(await computer.refusal(host, 'true')).toMatch(/token of this machine was revoked or has expired/);
  });

  it('takes everything away again', async () => {
    await computer.paste('python3 ~/.ssh/fullstackagent/helper.py remove');
    expect(readdirSync(join(computer.home, '.ssh'))).toEqual(['config']);
    expect(readFileSync(computer.config, 'utf8')).toBe('');
  });

  it('complained about nothing in the browser', () => {
    expect(complaints).toEqual([]);
  });
});

describe('stock OpenSSH in a sandbox that is not kept apart', () => {
  const platform = new Platform('editors-plain', { SANDBOX_ISOLATION: 'none' });
  const computer = new Computer();

  beforeAll(async () => {
    if (has('openssh') && has('python3')) await platform.start();
  });
  afterAll(async () => {
    computer.remove();
    if (has('openssh') && has('python3')) await platform.remove();
  });
  beforeEach((ctx) => {
    needs(ctx, 'openssh', 'python3');
  });

  it('signs in as who runs the platform, in the workspace, and ends with the project', async () => {
    const api = await owner(platform.url);
    await api.create({ name: 'Plain' });
    await api.waitFor('plain', 'RUNNING');
    const offer = await api.ask<{ user: string; folder: string }>('GET', '/api/projects/plain/ssh');
    const { code } = await api.ask<{ code: string }>('POST', '/api/tokens/codes', {});
    const helper = '~/.ssh/fullstackagent/helper.py';
    await computer.paste(
      `mkdir -p ~/.ssh/fullstackagent && curl -fsS '${platform.url}/ssh/helper.py' -o ${helper} &&
       printf %s ${code} | python3 ${helper} setup '${platform.url}' here plain`,
    );
    expect(offer.folder.startsWith(platform.home)).toBe(true);
    const said = await computer.ssh('plain.here.fsa', 'id -un; pwd; env | grep -c TTYD_ACCESS_TOKEN || true');
    expect(said).toBe(`${offer.user}\n${offer.folder}\n0\n`);
    expect(offer.user).toBe(userInfo().username);

    const held = computer.hold('plain.here.fsa', 'echo in; exec sleep 987654');
    await held.waitFor('in');
    await api.act('plain', 'stop');
    expect(await held.ended).toBe(255);
    await api.waitFor('plain', 'STOPPED');
    await noConnections(platform, computer);
    await until('what it started to have ended', () =>
      allProcesses().every(({ command }) => command !== 'sleep 987654'),
    );
  });
});
