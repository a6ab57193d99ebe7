import { isSetpointError } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { type EtcdStoreOptions, resolveOptions } from './options.ts';

const endpointsOf = (endpoints: string | string[]): readonly string[] => resolveOptions({ endpoints }).endpoints;

const refused = (options: EtcdStoreOptions): string => {
  try {
    resolveOptions(options);
  } catch (error) {
    expect(isSetpointError(error, 'Invalid')).toBe(true);
    return (error as Error).message;
  }
  return 'accepted';
};

describe('resolveOptions', () => {
  it('completes endpoints, and takes each once', () => {
    expect(endpointsOf('127.0.0.1:2379')).toEqual(['http://127.0.0.1:2379']);
    expect(endpointsOf('etcd')).toEqual(['http://etcd:2379']);
    expect(endpointsOf('http://etcd/')).toEqual(['http://etcd:2379']);
    expect(endpointsOf('http://etcd:80')).toEqual(['http://etcd:80']);
    expect(endpointsOf('https://etcd:443')).toEqual(['https://etcd:443']);
    expect(endpointsOf('[::1]:2379')).toEqual(['http://[::1]:2379']);
    expect(endpointsOf(['a:1', 'http://a:1', 'b:1'])).toEqual(['http://a:1', 'http://b:1']);
  });

  it.each([
    ['nothing', []],
    ['an empty text', ''],
    ['a path', 'http://etcd:2379/v3'],
    ['another scheme', 'ftp://etcd:2379'],
    ['a port that is none', 'etcd:99999999'],
    ['two schemes', ['http://a:1', 'https://b:1']],
  ])('refuses %s as endpoints, saying what was expected', (_name, endpoints) => {
    expect(refused({ endpoints })).toMatch(/etcdStore\.endpoints: expected .*received/);
  });

  it('gives a call 5 s unless told otherwise', () => {
    expect(resolveOptions({ endpoints: 'etcd' }).callTimeoutMs).toBe(5000);
  });

  it('refuses a URL with a password, without repeating it', () => {
    const message = refused({ endpoints: 'http://bob:canary@etcd:2379' });
    expect(message).toContain('expected');
    expect(message).not.toContain('canary');
  });

  it('refuses durations that are none, half a key pair, TLS without https, and a user without a name', () => {
    const endpoints = 'etcd';
    for (const value of [0, -1, NaN, Infinity]) {
      expect(refused({ endpoints, callTimeoutMs: value })).toContain('callTimeoutMs');
    }
    expect(refused({ endpoints: 'https://etcd', tls: { cert: 'x' } })).toContain('tls');
    expect(refused({ endpoints, tls: { ca: 'x' } })).toContain('https');
    expect(refused({ endpoints, auth: { username: '', password: 'canary' } })).not.toContain('canary');
  });

  // Dropped in silence, each of these connects without what it was to say, or not as it was to.
  it.each([
    [{ dialTimeout: 500 }, /etcdStore has no option 'dialTimeout': did you mean 'dialTimeoutMs'/],
    [{ credentials: 'canary' }, /etcdStore has no option 'credentials': it takes endpoints, auth, tls/],
    [
      { auth: { user: 'root', password: 'canary' } },
      /etcdStore\.auth has no option 'user': it takes username, password/,
    ],
    [
      { tls: { rootCertificate: 'canary' } },
      /etcdStore\.tls has no option 'rootCertificate': it takes ca, cert, key, serverName/,
    ],
    [
      { combineWrites: { maxMember: 3 } },
      /etcdStore\.combineWrites has no option 'maxMember': did you mean 'maxMembers'/,
    ],
  ])('refuses what it does not know, as in %j, without repeating values', (options, message) => {
    const said = refused({ endpoints: 'https://etcd', ...options } as EtcdStoreOptions);
    expect(said).toMatch(message);
    expect(said).not.toContain('canary');
  });

  it('refuses paths in place of certificates, and what are no options', () => {
    const said = refused({ endpoints: 'https://etcd', tls: { ca: '/etc/ca.pem' } });
    expect(said).toMatch(/etcdStore\.tls\.ca: expected a PEM text.*readFileSync/);
    expect(refused(undefined as never)).toMatch(/etcdStore takes an object of options; got nothing/);
    expect(refused('etcd:2379' as never)).toMatch(/etcdStore takes an object of options; got a string/);
  });
});
