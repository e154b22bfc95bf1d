import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolder, temporaryFolder } from '../support/folders.js';
import { journey } from '../support/journey.js';
import { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { until } from '../support/until.js';
import { without } from '../support/victims.js';

const NAME = "Grüße it's 1.bin";

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes that are no text in any encoding, different at every place. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let value = 1;
  for (let index = 0; index < size; index++) {
    value = (value * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[index] = value >> 16;
  }
  return bytes;
}

describe('files into a sandbox and out of it', () => {
  const local = temporaryFolder('files-local');
  const content = noise(3 * 1024 * 1024);
  let context: BrowserContext;
  let page: Page;
  let project: ProjectPage;
  let complaints: string[];
  const platform = journey('files', {
    opened: (opened) => {
      ({ context, page, project, complaints } = opened);
    },
  });

  beforeAll(() => {
    writeFileSync(join(local, NAME), content);
    mkdirSync(join(local, 'photos', 'deep'), { recursive: true });
    writeFileSync(join(local, 'photos', 'one.txt'), 'one');
    writeFileSync(join(local, 'photos', 'deep', 'two.txt'), 'two');
  });
  afterAll(() => {
    removeFolder(local);
  });

  /** As the desktop does it: files and folders by their path on this machine. */
  async function drag(
    files: readonly string[],
    steps: readonly ('dragEnter' | 'dragOver' | 'drop')[],
  ): Promise<void> {
    const box = await page.getByTestId('terminal').boundingBox();
    const session = await context.newCDPSession(page);
    for (const type of steps)
      await session.send('Input.dispatchDragEvent', {
        type,
        x: (box?.x ?? 0) + 200,
        y: (box?.y ?? 0) + 100,
        data: { items: [], files: files.map((name) => join(local, name)), dragOperationsMask: 1 },
      });
    await session.detach();
  }

  const drop = (...files: string[]): Promise<void> => drag(files, ['dragEnter', 'dragOver', 'drop']);
  const lines = (state: string) => page.locator(`[data-testid="upload"][data-state="${state}"]`);

  const waitForDone = (count: number): Promise<unknown> =>
    until(`${count} uploads to be done`, async () => (await lines('done').count()) === count);

  it('has a sandbox with a terminal in a folder', async () => {
    await project.join(platform.url);
    await project.createProject('Files');
    await project.openTerminal();
    await project.typeCommand('mkdir -p work/here && cd work/here; clear; pwd');
    await project.waitForText(/work\/here\s/);
  });

  it('says where a file would land while it is held over the page', async () => {
    await drag([NAME], ['dragEnter', 'dragOver']);
    await page.getByTestId('drop-here').getByText('Into the current folder of main').waitFor();
    await pictures(page, 'files-drop');
  });

  it('takes a file and a folder that are dropped, into the folder of the shell', async () => {
    await drag([NAME, 'photos'], ['drop']);
    await waitForDone(3);
    expect(await page.getByTestId('drop-here').count()).toBe(0);
    await project.typeCommand('clear; find . -type f | sort; sha256sum *.bin | cut -c 1-20');
    await project.waitForText(/\.\/photos\/deep\/two\.txt\s+\.\/photos\/one\.txt/);
    await project.waitForText(new RegExp(hashOf(content).slice(0, 20)));
    await pictures(page, 'files-uploaded');
  });

  it('asks about names that are taken, once for all of them', async () => {
    await page.getByRole('button', { name: 'Close the list' }).click();
    writeFileSync(join(local, 'photos', 'one.txt'), 'newer');
    await drop('photos');
    const dialog = page.getByRole('dialog', { name: 'The name is taken' });
    await dialog.getByText('photos/').waitFor();
    await until('both to be known', async () => (await lines('clash').count()) === 2);
    await pictures(page, 'files-clash');
    await dialog.getByRole('switch', { name: 'Do the same for all files of this upload' }).click();
    await dialog.getByRole('button', { name: 'Keep both' }).click();
    await waitForDone(2);
    await project.typeCommand('clear; cat photos/one.txt photos/one-1.txt; echo; ls photos/deep');
    await project.waitForText(/onenewer\s+two-1\.txt\s+two\.txt/);
  });

  it('overwrites nothing where the question is closed without an answer', async () => {
    await page.getByRole('button', { name: 'Close the list' }).click();
    writeFileSync(join(local, 'photos', 'one.txt'), 'newest');
    await drop(join('photos', 'one.txt'));
    await waitForDone(1);
    await project.typeCommand('clear; cat one.txt; echo');
    await project.waitForText(/newest/);
    writeFileSync(join(local, 'photos', 'one.txt'), 'not this');
    await drop(join('photos', 'one.txt'));
    await page.getByRole('dialog', { name: 'The name is taken' }).waitFor();
    await page.keyboard.press('Escape');
    await until('it to be skipped', async () => (await lines('skipped').count()) === 1);
    // What was sent in vain is taken away again.
    await project.typeCommand(
      'clear; cat one.txt; until [ $(ls -A | wc -l) = 3 ]; do :; done; echo " alone"',
    );
    await project.waitForText(/newest alone/);
  });

  it('takes a picture that is pasted, and files that are picked', async () => {
    await page.getByRole('button', { name: 'Close the list' }).click();
    await page.getByTestId('terminal').click();
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(['picture'], 'image.png', { type: 'image/png' }));
      const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
      document.activeElement?.dispatchEvent(paste);
    });
    await waitForDone(1);
    await page.getByTestId('pick-files').setInputFiles({
      name: 'picked.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('picked'),
    });
    await waitForDone(2);
    await project.typeCommand('clear; cat pasted-*.png picked.txt; echo');
    await project.waitForText(/picturepicked/);
  });

  it('goes on with 300 MB where the portal was killed in the middle', async () => {
    await page.getByRole('button', { name: 'Close the list' }).click();
    const before = complaints.length;
    const hash = createHash('sha256');
    for (let part = 0; part < 100; part++) {
      appendFileSync(join(local, 'large.bin'), content);
      hash.update(content);
    }
    const offsets: number[] = [];
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (request.method() === 'PUT') offsets.push(Number(url.searchParams.get('offset')));
    });
    await drop('large.bin');
    const progress = page.getByRole('progressbar', { name: 'large.bin' });
    await until('a part to be sent', async () => Number(await progress.getAttribute('aria-valuenow')) >= 10, {
      every: 10,
    });
    await without(platform.home, 'portal', () => lines('pausing').waitFor());
    await waitForDone(1);
    expect(offsets.length).toBeGreaterThan(1);
    expect(offsets.at(-1)).toBeGreaterThan(0);
    await page.locator('[data-testid="terminal"][data-state="connected"]').waitFor();
    await project.typeCommand('clear; sha256sum large.bin | cut -c 1-20; rm large.bin; ls -A | wc -l');
    await project.waitForText(new RegExp(`${hash.digest('hex').slice(0, 20)}\\s+5`));
    // The browser writes down what the test broke.
    complaints.splice(before);
  });

  it('leaves no half of a file behind when the page is left', async () => {
    const other = await context.newPage();
    await other.goto(page.url());
    const settings = new ProjectPage(other);
    // Slow enough for the part to be looked at before the file is whole.
    const network = await context.newCDPSession(other);
    await network.send('Network.emulateNetworkConditions', {
      ...{ offline: false, latency: 0, downloadThroughput: -1 },
      uploadThroughput: 5_000_000,
    });
    await other.getByTestId('pick-files').setInputFiles(join(local, 'large.bin'));
    const progress = other.getByRole('progressbar', { name: 'large.bin' });
    await until('a part to be sent', async () => Number(await progress.getAttribute('aria-valuenow')) >= 1, {
      every: 10,
    });
    const hidden = async (): Promise<boolean> => {
      await project.typeCommand('clear; ls -A | grep -c "part$"');
      return (await project.textSoon(/^1\s/m)) !== undefined;
    };
    await until('a part to be in the folder', hidden);
    // Another page of the portal goes on with it, and asks as well.
    await settings.openTab('Settings');
    const asked = other.waitForEvent('dialog');
    // Loaded anew, because a page that is left for another site says goodbye behind it and has half a second for it.
    // Where that is too short the part goes later, without a word (controller/src/sandbox/files.test.ts).
    await Promise.all([asked.then((dialog) => dialog.accept()), other.reload()]);
    await until('the part to be gone', async () => {
      await project.typeCommand('clear; ls -A | grep -c "part$"');
      return (await project.textSoon(/^0\s/m)) !== undefined;
    });
    // Not before: what a page still asks for on its way out may not outlive its browser's tab.
    await other.close();
  });

  async function download(path: string): Promise<{ name: string; bytes: Buffer }> {
    await page.getByRole('button', { name: 'Files', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Download…' }).click();
    await page.getByLabel('File or folder').fill(path);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download', exact: true }).click(),
    ]);
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  }

  it('gives a file back byte for byte, and a folder as an archive', async () => {
    const file = await download(`./${NAME}`);
    expect(file.name).toBe(NAME);
    expect(hashOf(file.bytes)).toBe(hashOf(content));
    const folder = await download('photos/');
    expect(folder.name).toBe('photos.tar.gz');
    expect(folder.bytes.subarray(0, 2).toString('hex')).toBe('1f8b');
  });

  it('says in words what cannot be downloaded', async () => {
    await page.getByRole('button', { name: 'Files', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Download…' }).click();
    const field = page.getByLabel('File or folder');
    const button = page.getByRole('button', { name: 'Download', exact: true });
    for (const [path, words] of [
      ['', 'Which file or folder?'],
      ['not-there', 'There is no such file or folder.'],
      ['../../etc/passwd', 'A path goes down from the folder'],
    ] as const) {
      await field.fill(path);
      await button.click();
      await page.getByText(words).waitFor();
    }
    await pictures(page, 'files-download');
    await page.keyboard.press('Escape');
    // The browser writes down what was refused.
    complaints.splice(0, Infinity, ...complaints.filter((text) => !text.includes('422')));
  });

  it('complained about nothing in the browser', () => {
    // A name that is taken is an answer with an error's status.
    expect(complaints.filter((text) => !text.includes('409'))).toEqual([]);
  });
});
