import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT_DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];

/** Folders of the repository: a code span that starts with one of them is a path, and a path must exist. */
const KNOWN_ROOTS = [
  '.ci',
  'charts-src',
  'controller',
  'docs',
  'gitops-template',
  'runtime',
  'scripts',
  'test',
  'webui',
];

/** Made by a build or a run, so absent in a fresh clone. */
const MADE_LATER = /(^|\/)(dist|build|node_modules|results|\.fullstack-agent)(\/|$)/;

function documents(root) {
  const below = readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return [...ROOT_DOCUMENTS.filter((name) => existsSync(join(root, name))), ...below];
}

/** `[text](target)` and `![text](target)`, without the fragment; addresses of the web and pure fragments are left out. */
function links(text) {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1].replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

/** Code spans that look like a path of this repository. Patterns (`*`, `<name>`, `{a,b}`, `…`) name no single file. */
function codePaths(text) {
  return [...text.matchAll(/`([^`\n]+)`/g)]
    .map((match) => match[1].replace(/:\d+$/, ''))
    .filter((span) => /^[\w.][\w./-]*$/.test(span))
    .filter((span) => span.includes('/') && KNOWN_ROOTS.includes(span.split('/')[0]));
}

function missingIn(root, document) {
  const text = readFileSync(join(root, document), 'utf8');
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  const linked = links(prose).map((target) => [target, resolve(root, dirname(document), target)]);
  const named = codePaths(prose).map((span) => [span, resolve(root, span)]);
  return [...linked, ...named]
    .filter(([, path]) => !MADE_LATER.test(relative(root, path)) && !existsSync(path))
    .map(([name]) => `${document}: ${name} does not exist`);
}

/** Every path that the documents name and that is not there, one line each. */
export function missingPaths(root) {
  return documents(root).flatMap((document) => missingIn(root, document));
}

/** Lock-file entries that say which host a package came from. */
export function lockFileAddresses(root) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([, entry]) => /^(https?|git|ssh)/.test(entry.resolved ?? ''))
    .map(
      ([path]) =>
        `package-lock.json: ${path} has a download address; run "npm install" with the .npmrc of this repository`,
    );
}
