import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A bare repository with these files on branch `trunk`. */
export async function makeRepository(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'fsa-work-'));
  const git = (...args: string[]) =>
    run('git', ['-C', work, '-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args]);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(work, name)), { recursive: true });
    await writeFile(join(work, name), content);
  }
  await git('init', '--quiet', '--initial-branch=trunk');
  await git('add', '.');
  await git('commit', '--quiet', '--message=First');
  await git('clone', '--quiet', '--bare', '.', path);
  await run('git', ['-C', path, 'update-server-info']);
  await rm(work, { recursive: true, force: true });
}

/** Serves repositories below a folder as files, which git understands; it can be made to wait. */
export class GitOverHttp {
  #held: (() => void)[] | undefined;

  private constructor(
    readonly folder: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<GitOverHttp> {
    const folder = await mkdtemp(join(tmpdir(), 'fsa-git-'));
    const serve: { by?: GitOverHttp } = {};
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://git');
      serve.by?.whenFree(() => {
        const file = createReadStream(join(folder, pathname));
        file.once('error', () => response.writeHead(404).end());
        file.pipe(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    serve.by = new GitOverHttp(folder, server);
    return serve.by;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Until {@link release} nothing is answered. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  private whenFree(answer: () => void): void {
    if (this.#held === undefined) answer();
    else this.#held.push(answer);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
