import { generateKeyPair, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno, writeFileDurably } from '../files/durable.js';
import { selfSigned } from '../certificates/self-signed.js';

const generate = promisify(generateKeyPair);
const TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000;

/**
 * The key that opens what is sealed for this machine, made on the first start. Git cannot rebuild it: without it the
 * secrets in the repository stay closed. The certificate is written first, because the key's file says "complete".
 */
export async function sealingKey(folder: string, now: () => Date): Promise<string> {
  const keyFile = join(folder, 'tls.key');
  try {
    return await readFile(keyFile, 'utf8');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 4096 });
  const notBefore = now();
  const certificate = selfSigned({
    commonName: 'FullstackAgent local engine',
    privateKey,
    publicKey,
    notBefore,
    notAfter: new Date(notBefore.getTime() + TEN_YEARS_MS),
    serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFileDurably(join(folder, 'tls.crt'), certificate, 0o644);
  await writeFileDurably(keyFile, key, 0o600);
  return key;
}
