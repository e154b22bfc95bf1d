import { constants, createCipheriv, publicEncrypt, randomBytes, X509Certificate } from 'node:crypto';
import { AppError } from '../contract/errors.js';

/** Seals one value for one namespace; the result goes into git. */
export type Seal = (input: { certificate: string; namespace: string; plaintext: string }) => string;

const SESSION_KEY_BYTES = 32;
/** Each key is used once, so a fixed nonce repeats nothing. */
const NONCE = Buffer.alloc(12);

/**
 * Sealed Secrets, namespace-wide scope: RSA-OAEP (SHA-256, the namespace as label) of a fresh key, then AES-256-GCM of
 * the value. Only the holder of the certificate's private key opens it, and only for this namespace. Random: sealing
 * the same value twice gives two texts, so what is stored is kept as long as the value is the same.
 * Throws INTERNAL where the platform's certificate cannot be used.
 */
export const seal: Seal = ({ certificate, namespace, plaintext }) => {
  const key = randomBytes(SESSION_KEY_BYTES);
  const wrapped = wrapKey(key, certificate, namespace);
  const cipher = createCipheriv('aes-256-gcm', key, NONCE);
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(wrapped.length);
  return Buffer.concat([length, wrapped, body]).toString('base64');
};

function wrapKey(key: Buffer, certificate: string, label: string): Buffer {
  try {
    return publicEncrypt(
      {
        key: new X509Certificate(certificate).publicKey,
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha256',
        oaepLabel: Buffer.from(label, 'utf8'),
      },
      key,
    );
  } catch (cause) {
    throw new AppError(
      'INTERNAL',
      'The certificate in platform.yaml cannot seal: secrets cannot be stored.',
      { cause },
    );
  }
}
