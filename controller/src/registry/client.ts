import { z } from 'zod';
import { challengesOf, type Challenge } from './challenge.js';
import type { Credential } from './credentials.js';
import { RegistryError } from './errors.js';
import { send, type Answer, type Asked } from './http.js';
import type { Readable } from 'node:stream';

export interface Descriptor {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

export interface ManifestToPush {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly digest: string;
  /** What keeps a registry from taking the manifest for rubbish. */
  readonly tag: string;
}

export interface RegistryClientOptions {
  /** With its port where it has one, as in the name of an image. */
  readonly host: string;
  /** `<path>` of `/v2/<path>/…`. */
  readonly repository: string;
  readonly credential: Credential | undefined;
  readonly signal: AbortSignal;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const HOPS_MAX = 5;
/** A storage that the controller cannot reach must not keep a push from going on. */
const ELSEWHERE_LIMIT_MS = 10_000;

interface Looked {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** How often it may lead elsewhere. */
  readonly hops: number;
}

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });
const errorAnswer = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().optional() })),
});

/**
 * As much of the OCI distribution API as pushing into one repository takes: https, and plain http on loopback, as Docker
 * does. Every method throws RegistryError, or the reason of the signal.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #origin: string;
  #authorization: string | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#origin = `${isLoopback(options.host) ? 'http' : 'https'}://${options.host}`;
  }

  /** Redirects are followed: whether a storage elsewhere has lost it, only that storage knows. */
  async hasBlob(digest: string): Promise<boolean> {
    return this.#has(this.#url(`blobs/${digest}`));
  }

  async hasManifest(digest: string): Promise<boolean> {
    return this.#has(this.#url(`manifests/${digest}`), 'application/vnd.oci.image.manifest.v1+json');
  }

  /** In one piece, opened when the registry waits for it. The registry compares it with the digest, and keeps nothing where they differ. */
  async putBlob({ digest, size }: Descriptor, open: () => Promise<Readable>): Promise<void> {
    const begun = await this.#ask(this.#url('blobs/uploads/'), { method: 'POST' });
    const { location } = begun.headers;
    if (begun.status !== 202 || location === undefined) throw this.#refusal(begun);
    const target = new URL(location, this.#origin);
    target.searchParams.set('digest', digest);
    // A registry that keeps its blobs elsewhere signs that address; it is not told our credential.
    const own = target.origin === this.#origin;
    const answer = await this.#send(target, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', ...(own ? this.#authorized() : {}) },
      body: { content: await open(), size },
    });
    if (answer.status !== 201) throw this.#refusal(answer);
  }

  async putManifest({ mediaType, bytes, digest, tag }: ManifestToPush): Promise<void> {
    const headers = { 'content-type': mediaType };
    const answer = await this.#ask(this.#url(`manifests/${tag}`), { method: 'PUT', headers, body: bytes });
    if (answer.status !== 201) throw this.#refusal(answer);
    const kept = answer.headers['docker-content-digest'];
    if (typeof kept === 'string' && kept !== digest)
      throw new RegistryError('refused', `The registry says that it keeps ${kept}, not ${digest}.`);
  }

  async #has(url: URL, accept?: string): Promise<boolean> {
    const headers = accept === undefined ? {} : { accept };
    const answer = await this.#ask(url, { method: 'HEAD', headers });
    return this.#isThere(answer, { url, headers, hops: HOPS_MAX });
  }

  /** What an answer to HEAD says, and where it leads elsewhere, what is said there. */
  async #isThere(answer: Answer, { url, headers, hops }: Looked): Promise<boolean> {
    if (answer.status === 200) return true;
    if (answer.status === 404 || answer.status === 410) return false;
    const target = this.#redirect(answer, url);
    if (target === undefined) {
      if (url.origin === this.#origin) throw this.#refusal(answer);
      // A storage may know no HEAD, or not let us ask. The registry said that it is there.
      return true;
    }
    if (hops === 0)
      throw new RegistryError('refused', `The registry ${this.#options.host} sends us round in circles.`);
    const there =
      target.origin === this.#origin
        ? await this.#ask(target, { method: 'HEAD', headers })
        : await this.#elsewhere(target, headers);
    return there === undefined || this.#isThere(there, { url: target, headers, hops: hops - 1 });
  }

  /** Throws RegistryError where it leads over a connection that others can read. */
  #redirect({ status, headers: { location } }: Answer, from: URL): URL | undefined {
    if (!REDIRECTS.has(status) || location === undefined || !URL.canParse(location, from.href))
      return undefined;
    const target = new URL(location, from);
    // Only a registry on this machine may lead to what else listens there.
    const stays = from.protocol === 'http:' && target.protocol === 'http:' && isLoopback(target.host);
    if (target.protocol === 'https:' || stays) return target;
    throw new RegistryError(
      'refused',
      `The registry ${this.#options.host} sends us to an address without https: ${target.host}.`,
    );
  }

  /** Where a registry keeps its blobs: the address is signed, and our credential is nobody's business there. */
  async #elsewhere(target: URL, headers: Readonly<Record<string, string>>): Promise<Answer | undefined> {
    const { signal } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ELSEWHERE_LIMIT_MS)]);
    try {
      return await send(target, { method: 'HEAD', headers, signal: limit });
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Signs in where it is asked to, and asks again. What is sent here can be sent twice. */
  async #ask(url: URL, asked: Omit<Asked, 'signal' | 'body'> & { body?: Buffer }): Promise<Answer> {
    const once = (): Promise<Answer> =>
      this.#send(url, { ...asked, headers: { ...asked.headers, ...this.#authorized() } });
    const answer = await once();
    if (answer.status !== 401) return answer;
    await this.#signIn(challengesOf(answer.headers['www-authenticate'] ?? ''));
    return once();
  }

  async #signIn(challenges: readonly Challenge[]): Promise<void> {
    const { credential } = this.#options;
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      this.#authorization = `Bearer ${await this.#token(bearer)}`;
      return;
    }
    if (credential === undefined || !challenges.some(({ scheme }) => scheme === 'basic'))
      throw this.#denied();
    this.#authorization = basic(credential);
  }

  async #token({ parameters }: Challenge): Promise<string> {
    const { credential, repository } = this.#options;
    const url = tokenAddress(parameters, repository);
    if (url === undefined) throw this.#denied();
    const headers = credential === undefined ? {} : { authorization: basic(credential) };
    const answer = await this.#send(url, { method: 'GET', headers });
    const token = answer.status === 200 ? tokenIn(answer.body) : undefined;
    if (token === undefined) throw this.#denied();
    return token;
  }

  #authorized(): Record<string, string> {
    return this.#authorization === undefined ? {} : { authorization: this.#authorization };
  }

  #send(url: URL, asked: Omit<Asked, 'signal'>): Promise<Answer> {
    return send(url, { ...asked, signal: this.#options.signal });
  }

  #url(part: string): URL {
    return new URL(`/v2/${this.#options.repository}/${part}`, this.#origin);
  }

  #denied(): RegistryError {
    const { credential, host, repository } = this.#options;
    return new RegistryError(
      'denied',
      credential === undefined
        ? `The registry ${host} wants somebody to sign in, and the platform has no credential for it. An operator adds one (REGISTRY_CREDENTIALS_FILE).`
        : `The registry ${host} does not let the platform push to ${repository}. An operator looks at its credential.`,
    );
  }

  #refusal({ status, body }: Answer): RegistryError {
    const { host } = this.#options;
    if (status === 401 || status === 403) return this.#denied();
    const [first] = errorAnswer.safeParse(jsonOrNothing(body)).data?.errors ?? [];
    const said = first === undefined ? `${status}` : `${status}, ${first.code}: ${first.message ?? ''}`;
    const message = `The registry ${host} refused: ${said.slice(0, 300)}`;
    return new RegistryError(status >= 500 || status === 429 ? 'unreachable' : 'refused', message);
  }
}

/** undefined: there is none, or the password would go to it in the clear. On this machine it may. */
function tokenAddress({ realm = '', service }: Challenge['parameters'], repository: string): URL | undefined {
  if (!URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  if (url.protocol !== 'https:' && !isLoopback(url.host)) return undefined;
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', `repository:${repository}:pull,push`);
  return url;
}

/** It becomes a header: what is not printable is no token. */
function tokenIn(body: string): string | undefined {
  const answer = tokenAnswer.safeParse(jsonOrNothing(body)).data;
  const token = answer?.token ?? answer?.access_token;
  return token !== undefined && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

const basic = ({ username, password }: Credential): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const isLoopback = (host: string): boolean =>
  /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(host);

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
