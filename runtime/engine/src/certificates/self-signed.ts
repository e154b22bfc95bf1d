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
  /** For a server: the IPv4 address it answers at. Such a certificate is its own authority. */
  readonly address?: readonly [number, number, number, number];
}

/**
 * A self-signed certificate (RFC 5280): the form in which Sealed Secrets hands its key out, and what clients check the
 * engine's API against. node:crypto reads certificates but does not make them.
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
    ...(options.address === undefined ? [] : [serverExtensions(Buffer.from(options.address))]),
  );
  const signature = sign('sha256', toBeSigned, options.privateKey);
  const lines = sequence(toBeSigned, sha256WithRsa, bitString(signature))
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** RFC 5280, 4.2.1.6 and 4.2.1.9: subjectAltName with an address, and basicConstraints that allow it to sign itself. */
function serverExtensions(address: Buffer): Buffer {
  const critical = der(0x01, Buffer.from([0xff]));
  const alternativeName = sequence(der(0x87, address));
  const isAuthority = sequence(critical);
  const extensions = sequence(
    sequence(objectIdentifier('2.5.29.17'), der(0x04, alternativeName)),
    sequence(objectIdentifier('2.5.29.19'), critical, der(0x04, isAuthority)),
  );
  return der(0xa3, extensions);
}
