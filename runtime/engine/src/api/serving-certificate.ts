import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { selfSigned } from '../certificates/self-signed.js';

const generate = promisify(generateKeyPair);
const DAY_MS = 24 * 3600 * 1000;

export interface ServingCertificate {
  readonly key: string;
  readonly certificate: string;
}

/**
 * What the API is served with: drawn at every start, and handed out in the kubeconfig. kubectl keeps its token to
 * itself on a connection without TLS.
 */
export async function servingCertificate(now: Date): Promise<ServingCertificate> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 2048 });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: selfSigned({
      commonName: 'FullstackAgent local engine',
      privateKey,
      publicKey,
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + 365 * DAY_MS),
      serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
      address: [127, 0, 0, 1],
    }),
  };
}
