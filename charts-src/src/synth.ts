import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App } from 'cdk8s';
import { readPlatform, readProject, readTenant } from './documents/read-write.js';
import { renderDelivery, renderProject, renderTenant, type Manifests } from './render.js';

/**
 * For people who have the cdk8s CLI: `cdk8s synth` runs this file (`cdk8s.yaml`), which renders the example documents
 * into `dist/`. The tests render the same examples. The platform itself never comes here: it renders in process.
 */
const EXAMPLES = fileURLToPath(new URL('../golden', import.meta.url));

/** An example is a folder with one `project.yaml` or `tenant.yaml`, and a `platform.yaml` where it needs its own. */
export const exampleNames = (folder = EXAMPLES): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

export const examplePath = (name: string, ...below: string[]): string => join(EXAMPLES, name, ...below);

/** What belongs to the example, of all folders: no two files are called alike. */
export function renderExample(name: string): Manifests {
  const own = examplePath(name, 'platform.yaml');
  const platform = readPlatform(
    readFileSync(existsSync(own) ? own : join(EXAMPLES, 'platform.yaml'), 'utf8'),
  );
  const tenant = examplePath(name, 'tenant.yaml');
  if (existsSync(tenant)) {
    const text = readFileSync(tenant, 'utf8');
    return renderTenant({ platform, tenant: readTenant(text), intent: blobId(text) });
  }
  const text = readFileSync(examplePath(name, 'project.yaml'), 'utf8');
  const project = readProject(text);
  const folder = renderProject({ platform, project, intent: blobId(text) });
  return new Map([...folder, ...renderDelivery({ platform, project })].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What `git hash-object` says of the text. */
export function blobId(text: string): string {
  const content = Buffer.from(text, 'utf8');
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** Puts the folder aside first: a file that is no longer rendered must not stay. */
export function writeManifests(folder: string, manifests: Manifests): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of manifests) writeFileSync(join(folder, file), text);
}

const isMain =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) {
  // cdk8s reads where its CLI wants the output.
  const { outdir } = new App();
  for (const name of exampleNames()) writeManifests(join(outdir, name), renderExample(name));
}
