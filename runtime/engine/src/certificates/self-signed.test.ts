import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { selfSigned } from './self-signed.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const options = {
  commonName: 'Test & Söhne',
  privateKey,
  publicKey,
  notBefore: new Date('2026-11-23T08:00:00Z'),
  notAfter: new Date('2056-11-23T08:00:00Z'),
  serial: Buffer.from([0xff, 0x01]),
};

describe('selfSigned', () => {
  it('is a certificate that its own key has signed', () => {
    const certificate = new X509Certificate(selfSigned(options));
    expect(certificate.verify(publicKey)).toBe(true);
    expect(certificate.publicKey.equals(publicKey)).toBe(true);
    expect(certificate.subject).toBe('CN=Test & Söhne');
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.serialNumber).toBe('FF01');
    // Either side of 2050, where the form of a time changes.
    expect(new Date(certificate.validFrom)).toEqual(options.notBefore);
    expect(new Date(certificate.validTo)).toEqual(options.notAfter);
  });

  it('names the address of a server', () => {
    const certificate = new X509Certificate(selfSigned({ ...options, address: [127, 0, 0, 1] }));
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
    expect(certificate.ca).toBe(true);
  });
});
