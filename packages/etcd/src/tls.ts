import { SetpointError } from 'setpoint';
import type { TransportSettings } from './transport.ts';

/** PEM texts. Without `ca` the machine's own authorities are trusted; `cert` and `key` show who the client is. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must have, where it differs from the endpoint's host. */
  readonly serverName?: string;
}

export const TLS_OPTIONS: readonly string[] = ['ca', 'cert', 'key', 'serverName'] satisfies (keyof TlsOptions)[];

/** What a connection is secured with. */
export interface TlsSettings {
  readonly credentials: NonNullable<TransportSettings['credentials']>;
  readonly serverName: string | undefined;
}

/** Gives what the next connection is to be secured with. */
export type TlsSource = () => Promise<TlsSettings>;

/** A source of what was given once, or of what is given anew each time. Throws `Invalid` for what can't be right. */
export function tlsSource(given: TlsOptions | (() => TlsOptions | Promise<TlsOptions>)): TlsSource {
  if (typeof given === 'function') return async () => tlsSettings(await given());
  const settings = tlsSettings(given);
  return () => Promise.resolve(settings);
}

/** Whether a connection secured with the one is as good as one secured with the other. */
export function isSameTls(one: TlsSettings, other: TlsSettings): boolean {
  return one === other || fingerprint(one) === fingerprint(other);
}

function tlsSettings({ ca, cert, key, serverName }: TlsOptions): TlsSettings {
  if ((cert === undefined) !== (key === undefined)) {
    const text = 'etcdStore.tls: expected cert and key together, received one of them';
    throw new SetpointError('Invalid', text, { details: { path: 'tls' } });
  }
  for (const [name, text] of Object.entries({ ca, cert, key })) {
    // A path, say, would be taken for a list of no certificates, and nobody would say so.
    if (text === undefined || Buffer.from(text).includes('-----BEGIN ')) continue;
    const wanted = `etcdStore.tls.${name}: expected a PEM text, with -----BEGIN, received something else; `;
    throw new SetpointError('Invalid', `${wanted}of a file give what is in it: readFileSync(path)`, {
      details: { path: `tls.${name}` },
    });
  }
  // etcd3 asks for a root certificate in its types; gRPC itself takes none as "the machine's own".
  const credentials = { rootCertificate: pem(ca), privateKey: pem(key), certChain: pem(cert) };
  return { credentials: credentials as TlsSettings['credentials'], serverName };
}

const pem = (part: string | Uint8Array | undefined): Buffer | undefined =>
  part === undefined ? part : Buffer.from(part);

function fingerprint({ credentials, serverName = '' }: TlsSettings): string {
  const { rootCertificate, privateKey, certChain } = credentials as Partial<TlsSettings['credentials']>;
  const parts = [rootCertificate, privateKey, certChain].map((part) => part?.toString('base64') ?? '');
  return [...parts, serverName].join('\n');
}
