import { RegistryClient, type Descriptor } from './client.js';
import { credentialFor } from './credentials.js';
import { RegistryError } from './errors.js';
import { blobPath, checked, readLayout, type ImageLayout } from './layout.js';

export interface PushProgress {
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface PushRequest {
  readonly layout: ImageLayout;
  /** `<host>/<path>`, as an image is named, without a tag. */
  readonly repository: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PushProgress) => void;
}

/** A registry that is busy, or a connection that broke: this often, each time with the content from its beginning. */
const TRIES = 3;

/**
 * Pushes an image with a credential that whoever built it never sees. What is in the registry already is not sent again;
 * other repositories are not looked into: a digest is no key to somebody else's layers.
 * Answers the name by digest, of the very bytes that were pushed. Throws RegistryError, or the reason of the signal.
 */
export async function pushImage(
  { layout, repository, signal, onProgress }: PushRequest,
  credentialsFile: string | undefined,
): Promise<string> {
  const slash = repository.indexOf('/');
  const [host, path] = [repository.slice(0, slash), repository.slice(slash + 1)];
  const credential = await credentialFor(host, credentialsFile);
  // A token lives for minutes and a large layer takes as long: each step signs in for itself.
  const client = (): RegistryClient => new RegistryClient({ host, repository: path, credential, signal });
  const image = await readLayout(layout);
  const totalBytes = image.blobs.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  for (const blob of image.blobs) {
    const before = bytes;
    const onBytes = (seen: number): void => {
      onProgress({ bytes: before + seen, totalBytes });
    };
    await again(signal, () => pushBlob(client(), layout, { blob, onBytes }));
    bytes += blob.size;
    onProgress({ bytes, totalBytes });
  }
  const { mediaType, bytes: content, digest } = image;
  const tag = `sha256-${digest.slice('sha256:'.length, 'sha256:'.length + 32)}`;
  await again(signal, async () => {
    const registry = client();
    await registry.putManifest({ mediaType, bytes: content, digest, tag });
    if (!(await registry.hasManifest(digest)))
      throw new RegistryError('refused', `The registry ${host} took the image and does not have it.`);
  });
  return `${repository}@${digest}`;
}

async function pushBlob(
  client: RegistryClient,
  layout: ImageLayout,
  { blob, onBytes }: { readonly blob: Descriptor; readonly onBytes: (seen: number) => void },
): Promise<void> {
  if (await client.hasBlob(blob.digest)) return;
  await client.putBlob(blob, async () => checked(await layout.open(blobPath(blob.digest)), blob, onBytes));
}

async function again(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await work();
      return;
    } catch (error) {
      signal.throwIfAborted();
      const passing = error instanceof RegistryError && error.reason === 'unreachable';
      if (!passing || tried === TRIES) throw error;
    }
  }
}
