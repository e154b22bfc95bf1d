import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../shared/repository-for-tests.js';
import { RegistryError, pushImage, type ImageLayout, type PushProgress } from './index.js';
import { missingForRegistry, RegistryForTests, type Auth } from './registry-for-tests.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Made {
  readonly files: Map<string, Buffer>;
  readonly layout: ImageLayout;
  readonly opened: string[];
  readonly digest: string;
  readonly manifest: Buffer;
  readonly layers: readonly Buffer[];
}

/** An image of random layers, as `buildah push … oci:` would lay it out. */
function made(sizes: readonly number[] = [3_000_000, 5]): Made {
  const files = new Map<string, Buffer>();
  const put = (bytes: Buffer): { digest: string; size: number } => {
    const digest = digestOf(bytes);
    files.set(`blobs/sha256/${digest.slice(7)}`, bytes);
    return { digest, size: bytes.length };
  };
  const layers = sizes.map((size) => randomBytes(size));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        ...put(Buffer.from('{"os":"linux"}')),
      },
      layers: layers.map((layer) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        ...put(layer),
      })),
    }),
  );
  const descriptor = { mediaType: MANIFEST, ...put(manifest) };
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [descriptor] })));
  const opened: string[] = [];
  const layout: ImageLayout = {
    open: (path) => {
      opened.push(path);
      const bytes = files.get(path);
      if (bytes === undefined) throw new RegistryError('refused', `There is no ${path}.`);
      return Promise.resolve(Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]));
    },
  };
  return { files, layout, opened, digest: descriptor.digest, manifest, layers };
}

const push = (
  layout: ImageLayout,
  repository: string,
  { file, onProgress = () => undefined, signal = new AbortController().signal }: Options = {},
): Promise<string> => pushImage({ layout, repository, signal, onProgress }, file);

interface Options {
  readonly file?: string;
  readonly onProgress?: (progress: PushProgress) => void;
  readonly signal?: AbortSignal;
}

describe.skipIf(missingForRegistry !== undefined)(
  `a real registry (${missingForRegistry ?? 'is here'})`,
  () => {
    it.each<Auth>(['none', 'basic'])(
      'with %s authentication has what was pushed, byte for byte',
      async (auth) => {
        const registry = await RegistryForTests.start(auth);
        const image = made();
        const seen: PushProgress[] = [];
        const name = await push(image.layout, `${registry.host}/team/ns-ab3cd4ef/blog`, {
          file: await registry.credentialsFile(),
          onProgress: (progress) => seen.push(progress),
        });
        expect(name).toBe(`${registry.host}/team/ns-ab3cd4ef/blog@${image.digest}`);
        const answer = await registry.get(`team/ns-ab3cd4ef/blog/manifests/${image.digest}`, MANIFEST);
        expect(Buffer.from(await answer.arrayBuffer()).equals(image.manifest)).toBe(true);
        for (const layer of image.layers) {
          const blob = await registry.get(`team/ns-ab3cd4ef/blog/blobs/${digestOf(layer)}`);
          expect(Buffer.from(await blob.arrayBuffer()).equals(layer)).toBe(true);
        }
        const total = 14 + 3_000_005;
        expect(seen.at(-1)).toEqual({ bytes: total, totalBytes: total });
        const { tags } = (await (await registry.get('team/ns-ab3cd4ef/blog/tags/list')).json()) as {
          tags: string[];
        };
        expect(tags).toEqual([`sha256-${image.digest.slice(7, 39)}`]);
      },
    );

    it('that hands out tokens gets one for this repository', async () => {
      const registry = await RegistryForTests.start('token');
      const image = made([100_000]);
      const file = await registry.credentialsFile();
      expect(await push(image.layout, `${registry.host}/blog`, { file })).toContain(image.digest);
    });

    it('is not sent again what it has', async () => {
      const registry = await RegistryForTests.start();
      const image = made();
      await push(image.layout, `${registry.host}/blog`);
      image.opened.length = 0;
      await push(image.layout, `${registry.host}/blog`);
      expect(image.opened).toEqual(['index.json', `blobs/sha256/${image.digest.slice(7)}`]);
    });

    it.each<[string, Auth, boolean]>([
      ['a wrong password', 'basic', true],
      ['a wrong password for a token', 'token', true],
      ['no credential', 'basic', false],
    ])('refuses %s, and the message has no secret', async (_what, auth, given) => {
      const registry = await RegistryForTests.start(auth);
      const wrong = await registry.credentialsFile({ username: 'platform', password: 'not-the-password' });
      const pushed = push(made([5]).layout, `${registry.host}/blog`, given ? { file: wrong } : {});
      const error = await pushed.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'RegistryError', reason: 'denied' });
      expect(String(error)).not.toContain('not-the-password');
    });

    it('keeps nothing of a layer that is not what it says, and no manifest', async () => {
      const registry = await RegistryForTests.start();
      const image = made([1000]);
      const [layer] = image.layers;
      const digest = digestOf(layer ?? Buffer.alloc(0));
      image.files.set(`blobs/sha256/${digest.slice(7)}`, randomBytes(1000));
      await expect(push(image.layout, `${registry.host}/blog`)).rejects.toMatchObject({ reason: 'refused' });
      image.files.set(`blobs/sha256/${digest.slice(7)}`, randomBytes(1001));
      await expect(push(image.layout, `${registry.host}/blog`)).rejects.toMatchObject({ reason: 'refused' });
      image.files.set(`blobs/sha256/${digest.slice(7)}`, randomBytes(10));
      await expect(push(image.layout, `${registry.host}/blog`)).rejects.toMatchObject({ reason: 'refused' });
      expect((await registry.get(`blog/blobs/${digest}`)).status).toBe(404);
      expect((await registry.get(`blog/manifests/${image.digest}`, MANIFEST)).status).toBe(404);
    });
  },
);

describe('what was built', () => {
  const index = (text: string): Promise<string> => {
    const image = made([5]);
    image.files.set('index.json', Buffer.from(text));
    return push(image.layout, '127.0.0.1:1/blog');
  };

  it.each([
    ['nothing that can be read', 'x'],
    ['no image', '{"manifests":[]}'],
    [
      'a list of images',
      JSON.stringify({ manifests: [{ mediaType: MANIFEST, digest: '../../etc', size: 1 }] }),
    ],
    ['a large file', ' '.repeat(100_000)],
  ])('is refused where it is %s', async (_what, text) => {
    await expect(index(text)).rejects.toMatchObject({ name: 'RegistryError', reason: 'refused' });
  });

  it('is refused where a layer is to be fetched from elsewhere', async () => {
    const image = made([5]);
    const text = image.manifest
      .toString()
      .replaceAll('image.layer.v1.tar+gzip', 'image.layer.nondistributable.v1.tar');
    const bytes = Buffer.from(text);
    image.files.set(`blobs/sha256/${digestOf(bytes).slice(7)}`, bytes);
    const descriptor = { mediaType: MANIFEST, digest: digestOf(bytes), size: bytes.length };
    image.files.set('index.json', Buffer.from(JSON.stringify({ manifests: [descriptor] })));
    await expect(push(image.layout, '127.0.0.1:1/blog')).rejects.toMatchObject({ reason: 'refused' });
  });
});

describe('a registry that does not behave', () => {
  async function serve(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<string> {
    const server = createServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('is tried again while it is busy, and then named', async () => {
    let asked = 0;
    const host = await serve((_request, response) => {
      asked += 1;
      response.writeHead(503).end();
    });
    const pushed = push(made([5]).layout, `${host}/blog`);
    await expect(pushed).rejects.toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining(host) as string,
    });
    expect(asked).toBe(3);
  });

  it('and sends uploads elsewhere does not get the credential sent there', async () => {
    const elsewhere: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      elsewhere.push(request.headers.authorization);
      request.resume().on('end', () => response.writeHead(500).end());
    });
    const host = await serve((request, response) => {
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else if (request.method === 'HEAD') response.writeHead(404).end();
      else response.writeHead(202, { location: `http://${other}/upload?signed=1` }).end();
    });
    const file = join(await temporaryFolder(), 'config.json');
    await writeFile(
      file,
      JSON.stringify({ auths: { [`https://${host}/v1/`]: { username: 'u', password: 'p' } } }),
    );
    await expect(push(made([5]).layout, `${host}/blog`, { file })).rejects.toMatchObject({
      reason: 'unreachable',
    });
    expect(elsewhere).toEqual([undefined, undefined, undefined]);
  });

  describe('and keeps its blobs elsewhere', () => {
    interface Storage {
      readonly host: string;
      readonly asked: IncomingMessage['headers'][];
      readonly uploads: () => number;
    }

    /** A registry that says of each layer that it is at `location`, and takes what is pushed. */
    async function sendingTo(location: (request: IncomingMessage) => string): Promise<Storage> {
      let uploads = 0;
      const asked: IncomingMessage['headers'][] = [];
      const host = await serve((request, response) => {
        asked.push(request.headers);
        request.resume().on('end', () => {
          if (request.headers.authorization === undefined)
            response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          else if (request.method === 'POST')
            response.writeHead(202, { location: '/v2/blog/blobs/uploads/1' }).end();
          else if (request.method === 'PUT') {
            uploads += 1;
            response.writeHead(201).end();
          } else if (request.url?.includes('/manifests/') === true) response.writeHead(200).end();
          else response.writeHead(307, { location: location(request) }).end();
        });
      });
      return { host, asked, uploads: () => uploads };
    }

    async function credentials(host: string): Promise<string> {
      const file = join(await temporaryFolder(), 'config.json');
      await writeFile(file, JSON.stringify({ auths: { [host]: { username: 'u', password: 'p' } } }));
      return file;
    }

    // The layer and the configuration, and then the manifest.
    it.each([
      ['has them', 200, 1],
      ['has lost them', 404, 3],
      ['does not say', 403, 1],
    ])(
      'is asked there, without the credential, and a storage that %s counts',
      async (_what, status, puts) => {
        const there: IncomingMessage['headers'][] = [];
        const storage = await serve((request, response) => {
          there.push(request.headers);
          response.writeHead(status).end();
        });
        const registry = await sendingTo(() => `http://${storage}/blob?signed=1`);
        await push(made([5]).layout, `${registry.host}/blog`, { file: await credentials(registry.host) });
        expect(registry.uploads()).toBe(puts);
        expect(there.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
      },
    );

    it('is taken at its word where nobody answers there', async () => {
      const registry = await sendingTo(() => 'http://127.0.0.1:1/blob');
      await push(made([5]).layout, `${registry.host}/blog`, { file: await credentials(registry.host) });
      expect(registry.uploads()).toBe(1);
    });

    it.each([
      ['round in circles', 'circles', (request: IncomingMessage) => request.url ?? ''],
      ['to where others can read along', 'without https', () => 'http://storage.example.com/blob'],
    ])('is refused where it sends %s', async (_what, said, location) => {
      const registry = await sendingTo(location);
      const pushed = push(made([5]).layout, `${registry.host}/blog`, {
        file: await credentials(registry.host),
      });
      await expect(pushed).rejects.toMatchObject({
        reason: 'refused',
        message: expect.stringContaining(said) as string,
      });
    });
  });

  it('and wants the password sent in the clear to another machine does not get it', async () => {
    const host = await serve((_request, response) => {
      response
        .writeHead(401, { 'www-authenticate': 'Bearer realm="http://tokens.example.com/",service="x"' })
        .end();
    });
    const file = join(await temporaryFolder(), 'config.json');
    await writeFile(file, JSON.stringify({ auths: { [host]: { username: 'u', password: 'p' } } }));
    await expect(push(made([5]).layout, `${host}/blog`, { file })).rejects.toMatchObject({
      reason: 'denied',
    });
  });

  it('and never answers is given up when nobody waits any more', async () => {
    const stop = new AbortController();
    const host = await serve(() => {
      stop.abort(new Error('cancelled'));
    });
    await expect(push(made([5]).layout, `${host}/blog`, { signal: stop.signal })).rejects.toThrow(
      'cancelled',
    );
  });

  it('is not signed in to with a file that holds no credentials, and what is in it is not told', async () => {
    const file = join(await temporaryFolder(), 'config.json');
    await writeFile(file, 'pass-word-in-a-wrong-file');
    const error = await push(made([5]).layout, '127.0.0.1:1/blog', { file }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ reason: 'denied' });
    expect(String(error)).not.toContain('pass-word');
  });
});
