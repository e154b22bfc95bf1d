import { mkdir, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { platformText } from '../shared/documents-for-tests.js';
import { temporaryFolder } from '../shared/repository-for-tests.js';
import { seedEdits } from './seed.js';

describe('what a repository begins with', () => {
  it('is every file of the template, wherever it is, and the platform that was given', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'flux', 'clusters'), { recursive: true });
    await writeFile(join(folder, 'README.md'), '# Read\n');
    await writeFile(join(folder, '.gitattributes'), '* -text\n');
    await writeFile(join(folder, 'flux', 'clusters', 'one.yaml'), 'a: 1\n');
    await writeFile(join(folder, 'platform.yaml'), 'an example\n');
    for (const templateFolder of [folder, folder + sep])
      expect(await seedEdits({ templateFolder, platform: platformText })).toEqual([
        { path: '.gitattributes', content: '* -text\n' },
        { path: 'README.md', content: '# Read\n' },
        { path: 'flux/clusters/one.yaml', content: 'a: 1\n' },
        { path: 'platform.yaml', content: platformText },
      ]);
  });

  it('is only the platform where the template is empty', async () => {
    const templateFolder = await temporaryFolder();
    expect(await seedEdits({ templateFolder, platform: platformText })).toHaveLength(1);
  });

  it.each(['', 'a: [', 'kind: Platform\n'])(
    'is not a platform that nobody can read: %j',
    async (platform) => {
      const templateFolder = await temporaryFolder();
      await expect(seedEdits({ templateFolder, platform })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        message: expect.stringContaining('platform.yaml for the new repository is not valid') as string,
      });
    },
  );
});
