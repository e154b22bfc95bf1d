import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Descriptor } from './client.js';
import { RegistryError } from './errors.js';

/** An OCI image layout that somebody else has: a file by its path below the layout's folder. */
export interface ImageLayout {
  open(path: string): Promise<Readable>;
}

export interface LayoutImage {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: string;
  /** Config and layers, each once. */
  readonly blobs: readonly Descriptor[];
}

/** What a whole image may be: a base image with `node_modules` and what was built is a part of it. */
export const IMAGE_LIMIT_BYTES = 8 * 1024 ** 3;
const INDEX_LIMIT_BYTES = 64 * 1024;
const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;
const LAYERS_MAX = 500;

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const descriptor = z.object({
  mediaType: z.string().max(255),
  digest: z.string().regex(DIGEST),
  size: z.int().min(0).max(IMAGE_LIMIT_BYTES),
});

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const index = z.object({
  manifests: z.tuple([descriptor.extend({ mediaType: z.literal(OCI_MANIFEST) })]),
});
const manifest = z.object({
  schemaVersion: z.literal(2),
  config: descriptor.extend({ mediaType: z.literal('application/vnd.oci.image.config.v1+json') }),
  layers: z
    .array(
      descriptor.extend({
        // No layers that are fetched from elsewhere, and nothing that is no image.
        mediaType: z.string().regex(/^application\/vnd\.oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?$/),
      }),
    )
    .max(LAYERS_MAX),
});

/**
 * Reads which image a layout holds. Whoever has the layout may be anybody: everything is bounded, and compared with its
 * digest. Throws RegistryError `refused`.
 */
export async function readLayout(layout: ImageLayout): Promise<LayoutImage> {
  const listed = parsed(index, await readAll(await layout.open('index.json'), INDEX_LIMIT_BYTES));
  const [{ digest, size, mediaType }] = listed.manifests;
  if (size > MANIFEST_LIMIT_BYTES) throw broken('its manifest is too large');
  const bytes = await readAll(checked(await layout.open(blobPath(digest)), { digest, size }), size);
  const { config, layers } = parsed(manifest, bytes);
  const blobs = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()];
  const total = blobs.reduce((sum, blob) => sum + blob.size, 0);
  if (total > IMAGE_LIMIT_BYTES)
    throw new RegistryError('refused', `The image is larger than ${IMAGE_LIMIT_BYTES / 1024 ** 3} GiB.`);
  return { mediaType, bytes, digest, blobs };
}

export const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** Passes on what comes, counted and hashed: it breaks where that is not what was announced. */
export function checked(
  content: Readable,
  expected: Descriptor,
  onBytes: (seen: number) => void = () => undefined,
): Readable {
  // Before somebody reads, nobody would hear that it broke; whoever reads then is told.
  content.on('error', () => undefined);
  return Readable.from(check(content, expected, onBytes), { objectMode: false });
}

async function* check(
  content: Readable,
  { digest, size }: Descriptor,
  onBytes: (seen: number) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let seen = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    seen += chunk.length;
    if (seen > size) throw broken('a part of it is longer than it says');
    hash.update(chunk);
    onBytes(seen);
    yield chunk;
  }
  if (seen !== size || `sha256:${hash.digest('hex')}` !== digest)
    throw broken('a part of it is not what it says');
}

async function readAll(content: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw broken('a file of it is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed<T extends z.ZodType>(schema: T, bytes: Buffer): z.output<T> {
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw broken('it is no image of one platform', error);
  }
}

const broken = (what: string, cause?: unknown): RegistryError =>
  new RegistryError('refused', `What was built cannot be pushed: ${what}.`, cause);
