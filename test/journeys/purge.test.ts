import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { owner } from '../support/fixtures.js';
import { Platform } from '../support/platform.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';

const PURGE = '/api/projects/my-blog?purge=now';

describe('a project that is removed for ever', () => {
  const platform = new Platform('purge');
  let api: Api;

  beforeAll(async () => {
    await platform.start();
    api = await owner(platform.url);
    await api.create({ name: 'My Blog', database: true });
    await api.waitFor('my-blog', 'RUNNING');
    const terminal = await Terminal.open(api, 'my-blog', 'one');
    await terminal.run('pwd; echo mine > file.txt');
    terminal.close();
  });
  afterAll(() => platform.remove());

  it('is not removed without its name', async () => {
    for (const body of [{}, { confirm: 'other' }])
      expect((await api.refused('DELETE', PURGE, body)).status).toBe(422);
    await api.waitFor('my-blog', 'RUNNING');
  });

  it('is gone whole, and its name can be used again for one that knows nothing of it', async () => {
    const before = (await api.ask<{ namespace: string }>('GET', '/api/projects/my-blog')).namespace;
    const volume = join(platform.home, 'engine', 'volumes', before, 'my-blog--workspace');
    expect(existsSync(volume)).toBe(true);
    await api.ask('DELETE', PURGE, { confirm: 'my-blog' });
    await until(
      'the project to be gone',
      async () => (await api.request('GET', '/api/projects/my-blog')).status === 404,
    );
    await until('its files to be gone', () => !existsSync(volume));
    await api.create({ name: 'My Blog', database: true });
    await api.waitFor('my-blog', 'RUNNING');
    const terminal = await Terminal.open(api, 'my-blog', 'two');
    expect(await terminal.run('ls')).not.toContain('file.txt');
    terminal.close();
  });
});
