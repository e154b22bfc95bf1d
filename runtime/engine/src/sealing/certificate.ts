import { sign, type KeyObject } from 'node:crypto';
import {
  bitString,
  der,
  integer,
  nothing,
  objectIdentifier,
  sequence,
  set,
  time,
  utf8String,
} from './der.js';

export interface CertificateOptions {
  readonly commonName: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly serial: Buffer;
}

/**
 * A self-signed certificate (RFC 5280) around a public key: the form in which Sealed Secrets hands its key out, which
 * is all it is used for. node:crypto reads certificates but does not make them.
 */
export function selfSigned(options: CertificateOptions): string {
  const sha256WithRsa = sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing());
  const name = sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(options.commonName))));
  const version3 = der(0xa0, integer(Buffer.from([2])));
  const toBeSigned = sequence(
    version3,
    integer(options.serial),
    sha256WithRsa,
    name,
    sequence(time(options.notBefore), time(options.notAfter)),
    name,
    options.publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', toBeSigned, options.privateKey);
  const lines = sequence(toBeSigned, sha256WithRsa, bitString(signature))
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
