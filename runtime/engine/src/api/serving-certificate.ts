import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { selfSigned } from '../certificates/self-signed.js';

const generate = promisify(generateKeyPair);
/**
 * It is drawn at every start and known by itself, so its age says nothing. The clock of a laptop may be set by years
 * while the engine runs, and must not lock everybody out. 9999: RFC 5280, 4.1.2.5, for no end.
 */
const ALWAYS = { notBefore: new Date(0), notAfter: new Date('9999-12-31T23:59:59Z') };

export interface ServingCertificate {
  readonly key: string;
  readonly certificate: string;
}

/**
 * What the API is served with: drawn at every start, and handed out in the kubeconfig. kubectl keeps its token to
 * itself on a connection without TLS.
 */
export async function servingCertificate(): Promise<ServingCertificate> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 2048 });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: selfSigned({
      commonName: 'FullstackAgent local engine',
      privateKey,
      publicKey,
      ...ALWAYS,
      serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
      address: [127, 0, 0, 1],
    }),
  };
}
