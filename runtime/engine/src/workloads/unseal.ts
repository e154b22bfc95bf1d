import { constants, createDecipheriv, privateDecrypt } from 'node:crypto';
import type { KubeObject } from '../store/object.js';

/** A value that this key, or this scope, does not open. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

export interface Unsealer {
  open(sealed: string, where: { readonly label: string; readonly name: string }): Promise<Buffer>;
}

const PREFIX = 'sealedsecrets.bitnami.com';

/** The label that binds a value to its scope: nothing, a namespace, or a namespace and a name. */
export function labelOf({ metadata }: KubeObject): string {
  const { annotations = {}, name, namespace = '' } = metadata;
  if (annotations[`${PREFIX}/cluster-wide`] === 'true') return '';
  if (annotations[`${PREFIX}/namespace-wide`] === 'true') return namespace;
  return `${namespace}/${name}`;
}

/**
 * Opens what Sealed Secrets seals: the length of an RSA-OAEP (SHA-256) block in two bytes, the block with a session
 * key, and the value under AES-256-GCM with that key and a nonce of zeros (the key is used once).
 */
export function unsealer(privateKey: string): Unsealer {
  return {
    open(sealed, { label, name }) {
      try {
        return Promise.resolve(open(privateKey, Buffer.from(sealed, 'base64'), label));
      } catch (error) {
        const message = `${name} cannot be unsealed: it was sealed for another key or another namespace.`;
        return Promise.reject(new UnsealError(message, { cause: error }));
      }
    },
  };
}

const TAG = 16;

function open(privateKey: string, blob: Buffer, label: string): Buffer {
  const length = blob.readUInt16BE(0);
  const key = privateDecrypt(
    {
      key: privateKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from(label, 'utf8'),
    },
    blob.subarray(2, 2 + length),
  );
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12));
  decipher.setAuthTag(blob.subarray(-TAG));
  return Buffer.concat([decipher.update(blob.subarray(2 + length, -TAG)), decipher.final()]);
}
