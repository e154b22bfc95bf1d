import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs, pathOf } from '../support/capabilities.js';
import { removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { RUNTIME } from './sandbox.js';

const scripts = [RUNTIME, join(RUNTIME, 'image'), join(ROOT, 'test', 'image')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sh'))
    .map((name) => join(folder, name)),
);
const dockerfile = readFileSync(join(RUNTIME, 'Dockerfile'), 'utf8');
/** The Dockerfile's instructions, each in one line, without comments. */
const instructions = dockerfile
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '');

describe('every script of the image', () => {
  it('is found', () => {
    const names = scripts.map((path) => path.slice(ROOT.length + 1));
    for (const name of [
      'build.sh',
      'check-image.sh',
      'entrypoint.sh',
      'prepare-workspace.sh',
      'push-to-dockerhub.sh',
      'ttyd-startup.sh',
    ])
      expect(names).toContain(`runtime/${name}`);
  });

  it.each(scripts)('can be run: %s', (path) => {
    expect(statSync(path).mode & 0o111).toBe(0o111);
  });

  it('has nothing that shellcheck complains about', (ctx) => {
    needs(ctx, 'shellcheck');
    const { stdout } = spawnSync(pathOf('shellcheck'), ['--severity=style', ...scripts], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    // Its prompt and its sentences name variables that are not to be expanded; ~/.bashrc.local is anybody's.
    const bashrc = ['--shell=bash', '--exclude=SC2016,SC1091', join(RUNTIME, '.bashrc')];
    expect(spawnSync(pathOf('shellcheck'), bashrc, { encoding: 'utf8' }).stdout).toBe('');
  });
});

describe('the Dockerfile', () => {
  const runs = instructions.filter((line) => line.startsWith('RUN '));

  it('installs with apt as it should: a list for it, nothing recommended, no list left in the layer', () => {
    const installing = runs.filter((line) => line.includes('apt-get install'));
    expect(installing.length).toBeGreaterThan(3);
    for (const line of installing) {
      expect(line).toMatch(/apt-get update\s+&& apt-get install -y --no-install-recommends/);
      expect(line).toContain('rm -rf /var/lib/apt/lists/*');
    }
  });

  it('pipes nothing from the network into a shell, and adds nothing unchecked', () => {
    expect(instructions.filter((line) => /^ADD\s/.test(line))).toEqual([]);
    for (const line of runs) {
      expect(line).not.toMatch(/\b(?:curl|wget)\b[^&|]*\|/);
      // Downloads are made by the two scripts that check them.
      expect(line).not.toMatch(/&& (?:curl|wget) /);
      expect(line).not.toMatch(
        /--(?:allow-unauthenticated|force-yes|insecure|no-check-certificate)|trusted=yes/,
      );
    }
  });

  it('fails when a part of a pipe fails', () => {
    expect(instructions).toContain('SHELL ["/bin/bash", "-o", "pipefail", "-c"]');
  });

  it('starts as the user of the manifests, by number, in /workspace', () => {
    expect(instructions.filter((line) => line.startsWith('USER ')).at(-1)).toBe('USER 1001:1001');
    expect(instructions).toContain('WORKDIR /workspace');
    expect(instructions).toContain('EXPOSE 3000 7681');
    expect(instructions).toContain('ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]');
  });

  it('holds no secret and no checksum that nobody computed', () => {
    expect(dockerfile).not.toMatch(/^(?:ARG|ENV)\s+\S*(?:TOKEN|PASSWORD|SECRET|API_KEY)/m);
    expect(dockerfile).not.toMatch(/\b[0-9a-f]{64}\b/);
  });

  it('copies files that are there, ours after what changes seldom', () => {
    const copies = instructions.filter((line) => line.startsWith('COPY '));
    // What is not in the build's context cannot be copied.
    const context = readFileSync(join(RUNTIME, '.dockerignore'), 'utf8').split('\n');
    for (const line of copies) {
      const sources = line
        .split(/\s+/)
        .slice(1, -1)
        .filter((word) => !word.startsWith('--'));
      for (const source of sources) {
        expect(statSync(join(RUNTIME, source)).isFile()).toBe(true);
        expect(context).toContain(`!${source.split('/')[0] ?? ''}`);
      }
    }
    const place = (part: string): number => instructions.findIndex((line) => line.includes(part));
    expect(place('entrypoint.sh prepare-workspace.sh ttyd-startup.sh')).toBeGreaterThan(place('npm ci'));
    expect(place('npm ci')).toBeGreaterThan(place('build-essential'));
    // The labels change with each commit: nothing that takes time may come after them.
    expect(instructions.slice(place('ARG REVISION')).filter((line) => /^(?:RUN|COPY)/.test(line))).toEqual(
      [],
    );
  });

  it('names itself for registries', () => {
    for (const label of ['title', 'description', 'licenses', 'version', 'revision', 'created'])
      expect(dockerfile).toContain(`org.opencontainers.image.${label}=`);
  });
});

describe('the tools from npm', () => {
  const read = (name: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(RUNTIME, 'tools', name), 'utf8')) as Record<string, unknown>;
  interface Locked {
    version?: string;
    integrity?: string;
    resolved?: string;
  }
  const locked = Object.entries(read('package-lock.json')['packages'] as Record<string, Locked>);

  it('are pinned exactly', () => {
    for (const version of Object.values(read('package.json')['dependencies'] as Record<string, string>))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('have a checksum each, for both architectures, and no address', () => {
    for (const [name, { integrity, resolved }] of locked) {
      if (name === '') continue;
      expect(`${name} ${integrity ?? 'nothing'}`).toMatch(/ sha512-/);
      expect(resolved).toBeUndefined();
    }
    const names = locked.map(([name]) => name);
    for (const tool of ['@anthropic-ai/claude-code-linux', '@next/swc-linux'])
      for (const architecture of ['x64', 'arm64'])
        expect(names.some((name) => name.startsWith(`node_modules/${tool}-${architecture}`))).toBe(true);
  });
});

describe('build.sh and push-to-dockerhub.sh', () => {
  /** Only what the scripts themselves need: no container engine. */
  const run = (script: string, args: readonly string[] = []): { code: number | null; output: string } => {
    const folder = temporaryFolder('no-engine');
    try {
      for (const name of ['bash', 'dirname', 'git', 'env'])
        execFileSync('ln', [
          '-s',
          execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
          folder,
        ]);
      const { status, stdout, stderr } = spawnSync(join(RUNTIME, script), args, {
        env: { PATH: folder, HOME: folder },
        encoding: 'utf8',
      });
      return { code: status, output: stdout + stderr };
    } finally {
      removeFolder(folder);
    }
  };

  it('say that there is no container engine, and what to do', () => {
    const build = run('build.sh');
    expect(build.code).toBe(1);
    expect(build.output).toMatch(/No container engine answers here, so nothing was built\. Install docker/);
    const push = run('push-to-dockerhub.sh');
    expect(push.code).toBe(1);
    expect(push.output).toContain('Docker does not answer here, so nothing was pushed');
  });

  it.each(['nobody', '-rf/x', 'a/b:tag', 'registry.example.com/a/b', 'A/b', 'a/$(id)'])(
    'do not push to the name %s',
    (name) => {
      const push = run('push-to-dockerhub.sh', [name]);
      expect(push.code).toBe(1);
      expect(push.output).toContain('is no name on Docker Hub');
    },
  );

  it('take the version that the manifests ask for', () => {
    const version = readFileSync(join(RUNTIME, 'VERSION'), 'utf8').trim();
    const golden = join(ROOT, 'charts-src', 'golden', 'minimal', 'rendered', 'statefulset-my-blog.yaml');
    expect(readFileSync(golden, 'utf8')).toContain(`image: fullstackagent/sandbox:${version}\n`);
  });
});
