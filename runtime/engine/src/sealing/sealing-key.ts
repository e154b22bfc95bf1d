import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno, writeFileDurably } from '../files/durable.js';
import { selfSigned } from '../certificates/self-signed.js';

const generate = promisify(generateKeyPair);
const TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000;

/**
 * The key that opens what is sealed for this machine, made on the first start. Git cannot rebuild it: without it the
 * secrets in the repository stay closed for ever. So the key is on disk before its certificate is, with which things are
 * sealed, and a certificate whose key is lost is never replaced. Throws a sentence for a person then.
 */
export async function sealingKey(folder: string, now: () => Date): Promise<string> {
  const keyFile = join(folder, 'tls.key');
  const certificateFile = join(folder, 'tls.crt');
  const [known, certificate] = await Promise.all([textOf(keyFile), textOf(certificateFile)]);
  if (known === undefined && certificate !== undefined)
    throw new Error(
      `${keyFile} is gone, and what was sealed with ${certificateFile} cannot be opened without it: restore it from a ` +
        `backup. To give up every sealed value and begin with a new key, delete ${certificateFile}.`,
    );
  const key = known ?? (await newKey(folder, keyFile));
  if (certificate === undefined) await writeFileDurably(certificateFile, certificateFor(key, now()), 0o644);
  else if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`${keyFile} is not the key of ${certificateFile}: restore both from the same backup.`);
  return key;
}

async function newKey(folder: string, file: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = await generate('rsa', { modulusLength: 4096 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFileDurably(file, key, 0o600);
  return key;
}

function certificateFor(key: string, notBefore: Date): string {
  return selfSigned({
    commonName: 'FullstackAgent local engine',
    privateKey: createPrivateKey(key),
    publicKey: createPublicKey(key),
    notBefore,
    notAfter: new Date(notBefore.getTime() + TEN_YEARS_MS),
    serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
  });
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
