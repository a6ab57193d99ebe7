import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A certificate with its key, both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Names and IPv4 addresses that it is for. Default: `127.0.0.1`. */
  readonly hosts?: readonly string[];
  readonly notAfter?: Date;
}

/** An authority of a test, which signs certificates for servers and clients alike. */
export interface Authority {
  /** Its own certificate, PEM: what the other side has to trust. */
  readonly ca: string;
  issue(name: string, options?: CertificateOptions): Certificate;
}

const DAY_MS = 86_400_000;

export function createAuthority(name: string): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const from = new Date(Date.now() - 30 * DAY_MS);
  const common = { issuer: name, signer: own.privateKey, from };
  const caExtensions = [
    extension('2.5.29.19', sequence(tlv(0x01, Buffer.from([0xff])))),
    extension('2.5.29.15', tlv(0x03, Buffer.from([1, 0b0000_0110]))),
  ];
  const ca = certificate({
    ...common,
    subject: name,
    publicKey: own.publicKey,
    until: new Date(Date.now() + DAY_MS),
    extensions: caExtensions,
  });
  return {
    ca,
    issue(subject, { hosts = ['127.0.0.1'], notAfter = new Date(Date.now() + DAY_MS) } = {}) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extensions = [
        extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
        extension('2.5.29.17', sequence(...hosts.map(alternativeName))),
      ];
      const cert = certificate({ ...common, subject, publicKey: pair.publicKey, until: notAfter, extensions });
      return { cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
  };
}

interface Contents {
  readonly issuer: string;
  readonly signer: KeyObject;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly from: Date;
  readonly until: Date;
  readonly extensions: readonly Buffer[];
}

let serial = 1;

/** X.509 in DER, as much of it as these certificates need, wrapped as PEM. */
function certificate({ issuer, signer, subject, publicKey, from, until, extensions }: Contents): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1, serial++])),
    algorithm,
    distinguishedName(issuer),
    sequence(time(from), time(until)),
    distinguishedName(subject),
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = tlv(0x03, Buffer.from([0]), sign('sha256', body, signer));
  const base64 = sequence(body, algorithm, signature).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${base64.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const long = value.length < 256 ? [0x81, value.length] : [0x82, value.length >> 8, value.length & 255];
  return Buffer.concat([Buffer.from([tag, ...(value.length < 128 ? [value.length] : long)]), value]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number & 127];
  for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
  return digits;
}

const distinguishedName = (name: string): Buffer =>
  sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(name)))));

/** `YYYYMMDDHHMMSSZ` without the century. */
const time = (date: Date): Buffer =>
  tlv(0x17, Buffer.from(`${date.toISOString().replaceAll(/\D/g, '').slice(2, 14)}Z`));

const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), tlv(0x04, value));

function alternativeName(host: string): Buffer {
  const isAddress = /^[\d.]+$/.test(host);
  return isAddress ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host));
}
