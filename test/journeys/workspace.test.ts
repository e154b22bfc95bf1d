import type { CloneDto } from '@fullstackagent/controller/contract';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { git } from '../support/git.js';
import { HttpsGit } from '../support/https-git.js';
import { journey } from '../support/journey.js';
import type { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';

describe('a project that begins with a repository, clicked through', () => {
  let server: HttpsGit;
  let page: Page;
  let project: ProjectPage;
  // Plain processes: a sandbox with a network of its own cannot reach a server on the loopback of this machine.
  const platform = journey('workspace', {
    env: { SANDBOX_ISOLATION: 'none' },
    opened: async (opened) => {
      ({ page, project } = opened);
      server = await HttpsGit.start();
      server.add('blog', { 'README.md': 'from the repository\n', 'src/index.js': '' });
      await project.join(platform.url);
    },
  });
  afterAll(() => {
    // Where the platform did not start there is none.
    (server as HttpsGit | undefined)?.stop();
  });

  /** Opens the page, where nothing is shown before the sandbox has answered. */
  async function pageSays(state: CloneDto['state']): Promise<void> {
    const said = page.waitForResponse(
      async (response) =>
        response.url().endsWith('/workspace/clone') && ((await response.json()) as CloneDto).state === state,
    );
    await Promise.all([said, project.openTab('Overview')]);
  }

  it('is asked for in the form, which says beside the field what is wrong', async () => {
    await page.getByRole('link', { name: 'New project' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('My Blog');
    await page.getByRole('switch', { name: 'PostgreSQL database' }).setChecked(false);
    const start = page.getByRole('group').filter({ hasText: 'Start from' }).first();
    await start.getByText('An empty workspace').waitFor();
    await start.getByText('Start from').click();
    await page.getByRole('radio', { name: 'Git repository' }).check();
    await page.getByLabel('Repository', { exact: true }).fill('https://ada:word@github.com/ada/blog.git');
    await page.getByLabel('System prompt').fill('Use tabs.\nAnswer in verse.');
    await page.getByLabel('Git name').fill('Ada Lovelace');
    await page.getByLabel('Git e-mail').fill('ada@example.com');
    // As a company's own certificate is made known to git.
    await page.getByRole('button', { name: 'Add variable' }).click();
    await page.getByLabel('Variable name').last().fill('GIT_SSL_CAINFO');
    await page.getByLabel('Value', { exact: true }).last().fill(server.certificate);
    await page.getByRole('button', { name: 'Create project' }).click();
    await page.getByText(/The address has no user name, password or token in it/).waitFor();
    await pictures(page, 'new-project-start-from', { fullPage: true });
    expect(git(platform.repository, 'log', '--format=%s', 'main')).not.toContain('Create my-blog');
  });

  it('is cloned while page and terminal say so, and is there with CLAUDE.md and the git identity', async () => {
    server.hold();
    await page.getByLabel('Repository', { exact: true }).fill(server.urlOf('blog'));
    await page.getByRole('button', { name: 'Create project' }).click();
    await project.waitFor('RUNNING');
    await page.getByText('The repository is being cloned').waitFor();
    await page.getByRole('status').getByText(server.urlOf('blog')).waitFor();
    await pictures(page, 'overview-cloning', { fullPage: true });
    await project.openTerminal();
    await project.waitForText(/Cloning https:.*blog\.git into \/workspace/);
    await pictures(page, 'terminal-cloning');
    server.release();
    await project.waitForText(/is ready\./);
    await pageSays('settled');
    await page.getByText('The repository is being cloned').waitFor({ state: 'detached' });
    await project.openTerminal();
    await project.typeCommand(
      'cat README.md CLAUDE.md; git config user.name; git config user.email; git log --format=%s',
    );
    await project.waitForText(
      /from the repository\s+Use tabs\.\s+Answer in verse\.\s+Ada Lovelace\s+ada@example\.com\s+First/,
    );
  });

  it('is changed later, which touches no file: only the identity arrives, at the next start', async () => {
    await project.typeCommand('echo mine >>README.md');
    await project.openTab('Settings');
    await page.getByText('A workspace is prepared once.').waitFor();
    const panel = page.getByRole('form', { name: 'What the workspace begins with' });
    await panel.getByLabel('System prompt').fill('Use spaces.');
    await panel.getByLabel('Git name').fill('Countess');
    await pictures(page, 'settings-workspace', { fullPage: true });
    await panel.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Files that are in the workspace stay as they are.').waitFor();
    await panel.getByRole('button', { name: 'Save', disabled: true }).waitFor();
    expect(git(platform.repository, 'log', '-1', '--format=%s', 'main')).toBe(
      'Change what the workspace of my-blog begins with',
    );
    await page.getByRole('button', { name: 'Restart' }).click();
    await project.confirm('Restart');
    await project.waitFor('RUNNING');
    await project.openTerminal();
    await project.waitForText(/is ready\./);
    await project.typeCommand('clear; cat README.md CLAUDE.md; git config user.name');
    await project.waitForText(/from the repository\s+mine\s+Use tabs\.\s+Answer in verse\.\s+Countess/);
  });

  it('says on the page and in the terminal why it could not be cloned', async () => {
    await page.goto(`${platform.url}/projects/new`);
    await page.getByLabel('Name', { exact: true }).fill('Nothing');
    await page.getByRole('switch', { name: 'PostgreSQL database' }).setChecked(false);
    await page.getByText('Start from').click();
    await page.getByRole('radio', { name: 'Git repository' }).check();
    await page.getByLabel('Repository', { exact: true }).fill(server.urlOf('blog'));
    await page.getByLabel('Branch or tag').fill('no-such-branch');
    await page.getByRole('button', { name: 'Create project' }).click();
    await project.waitFor('RUNNING');
    // Its certificate is not known here: git says so, and that is what is shown.
    const notice = page.getByRole('status').filter({ hasText: 'The repository could not be cloned' });
    await notice.getByText(`${server.urlOf('blog')} could not be cloned into /workspace.`).waitFor();
    await notice.getByText(/^fatal: unable to access /).waitFor();
    await notice.getByText(/each start tries again/).waitFor();
    await pictures(page, 'overview-not-cloned', { fullPage: true });
    await project.openTerminal();
    await project.waitForText(/could not be cloned into \/workspace:\s+fatal: unable to access/);
    await pictures(page, 'terminal-not-cloned');
    // What a person makes of it is seen on the page, which goes on looking.
    await project.typeCommand(`git -c http.sslCAInfo=${server.certificate} clone ${server.urlOf('blog')} .`);
    await pageSays('settled');
    await notice.waitFor({ state: 'detached' });
  });
});
