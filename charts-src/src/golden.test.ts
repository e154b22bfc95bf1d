import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPlatform, readProject, readTenant, writeDocument } from './documents/read-write.js';
import { exampleNames, examplePath, renderExample, writeManifests } from './synth.js';

/** `UPDATE_GOLDEN=1 npx vitest run --project charts golden` writes the files anew. Read the difference. */
const UPDATE = process.env['UPDATE_GOLDEN'] === '1';

const INPUTS = {
  'platform.yaml': readPlatform,
  'tenant.yaml': readTenant,
  'project.yaml': readProject,
} as const;

describe.each(exampleNames())('example %s', (name) => {
  const folder = examplePath(name, 'rendered');

  it('renders to exactly the files that are there', () => {
    const manifests = renderExample(name);
    if (UPDATE) writeManifests(folder, manifests);
    const stored = existsSync(folder) ? readdirSync(folder).sort() : [];
    expect([...manifests.keys()]).toEqual(stored);
    for (const [file, text] of manifests)
      expect(text, file).toBe(readFileSync(examplePath(name, 'rendered', file), 'utf8'));
  });

  it('has its documents in the form that the controller writes', () => {
    const inputs = Object.entries(INPUTS).filter(([file]) => existsSync(examplePath(name, file)));
    expect(inputs.length).toBeGreaterThan(0);
    for (const [file, read] of inputs) {
      const text = readFileSync(examplePath(name, file), 'utf8');
      expect(writeDocument(read(text)), file).toBe(text);
    }
  });
});
