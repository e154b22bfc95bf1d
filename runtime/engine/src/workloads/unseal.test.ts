import { constants, createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../store/object.js';
import { labelOf, UnsealError, unsealer } from './unseal.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** What `kubeseal` does, written from the format's description. */
function seal(value: string, label: string): string {
  const key = randomBytes(32);
  const wrapped = publicEncrypt(
    {
      key: publicKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from(label),
    },
    key,
  );
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(wrapped.length);
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([length, wrapped, sealed]).toString('base64');
}

const open = (sealed: string, label: string): Promise<Buffer> =>
  unsealer(privateKey).open(sealed, { label, name: 'KEY' });

describe('unsealer', () => {
  it.each(['', 'x', 'ünïcode\n\0end', 'y'.repeat(100_000)])('opens what was sealed', async (value) => {
    expect((await open(seal(value, 'ns-a'), 'ns-a')).toString('utf8')).toBe(value);
  });

  it.each([
    ['another namespace', seal('x', 'ns-a'), 'ns-b'],
    ['something cut off', seal('x', 'ns-a').slice(0, 100), 'ns-a'],
    ['something else', 'AgBub25zZW5zZQ==', 'ns-a'],
    ['nothing', '', 'ns-a'],
  ])('refuses %s', async (_what, sealed, label) => {
    await expect(open(sealed, label)).rejects.toThrow(UnsealError);
  });
});

describe('labelOf', () => {
  const sealed = (annotations: Record<string, string>): KubeObject => ({
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    metadata: {
      name: 'n',
      namespace: 'ns',
      uid: '',
      resourceVersion: '',
      creationTimestamp: '',
      annotations,
    },
  });
  it.each([
    [{}, 'ns/n'],
    [{ 'sealedsecrets.bitnami.com/namespace-wide': 'true' }, 'ns'],
    [
      {
        'sealedsecrets.bitnami.com/cluster-wide': 'true',
        'sealedsecrets.bitnami.com/namespace-wide': 'true',
      },
      '',
    ],
    [{ 'sealedsecrets.bitnami.com/namespace-wide': 'no' }, 'ns/n'],
  ])('%j -> %j', (annotations, label) => {
    expect(labelOf(sealed(annotations))).toBe(label);
  });
});
