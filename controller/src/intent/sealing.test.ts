import { describe, expect, it } from 'vitest';
import { certificate, unseal } from '../shared/sealing-key-for-tests.js';
import { seal } from './sealing.js';

const namespace = 'ns-ab3cd4ef';
const sealed = (plaintext: string): string => seal({ certificate, namespace, plaintext });

describe('sealing', () => {
  it.each(['', 'x', 'sk-live-4242', 'line\nline\n', 'Grüße 🚲', '"$(rm -rf /)"', 'y'.repeat(65_536)])(
    'gives back what was sealed: %#',
    (plaintext) => {
      expect(unseal(sealed(plaintext), namespace)).toBe(plaintext);
    },
  );

  it('has the layout of Sealed Secrets: a length of 512, the wrapped key, the value and its tag', () => {
    const bytes = Buffer.from(sealed('12345'), 'base64');
    expect(bytes.readUInt16BE(0)).toBe(512);
    expect(bytes.length).toBe(2 + 512 + 5 + 16);
    expect(sealed('x')).toMatch(/^Ag[A-Za-z0-9+/]+={0,2}$/);
  });

  it('never gives the same text twice', () => {
    expect(sealed('same')).not.toBe(sealed('same'));
  });

  it('is for one namespace', () => {
    expect(() => unseal(sealed('x'), 'ns-zzzzzzzz')).toThrow();
  });

  it('notices a changed byte', () => {
    const bytes = Buffer.from(sealed('value'), 'base64');
    bytes[520] = (bytes[520] ?? 0) ^ 1;
    expect(() => unseal(bytes.toString('base64'), namespace)).toThrow();
  });

  it('says that the platform’s certificate is at fault, never the secret', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const attempt = (): string => seal({ certificate: broken, namespace, plaintext: 'sk-live-4242' });
    expect(attempt).toThrow('The certificate in platform.yaml cannot seal');
    expect(attempt).not.toThrow('4242');
  });
});
