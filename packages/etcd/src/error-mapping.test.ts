import { describe, expect, it } from 'vitest';
import { classify, saysNotEtcd, textOf, verdictError } from './error-mapping.ts';

const rpcError = (code: number, details: string): Error =>
  Object.assign(new Error(`${code} X: ${details}`), { code, details });
const brief = (code: number, details: string): string => {
  const failure = classify(rpcError(code, details));
  return 'code' in failure ? `${failure.kind} ${failure.code}` : failure.kind;
};

describe('classify', () => {
  it.each([
    [11, 'etcdserver: mvcc: required revision has been compacted', 'verdict Compacted'],
    [11, 'etcdserver: mvcc: required revision is a future revision', 'verdict FutureRevision'],
    [8, 'etcdserver: mvcc: database space exceeded', 'partial NoSpace'],
    [5, 'etcdserver: requested lease not found', 'verdict LeaseNotFound'],
    [3, 'etcdserver: key not found', 'verdict NotFound'],
    [9, 'etcdserver: lease already exists', 'verdict LeaseExists'],
    [3, 'etcdserver: too many operations in txn request', 'verdict TooManyOperations'],
    [3, 'etcdserver: request is too large', 'verdict TooLarge'],
    [8, 'grpc: received message larger than max (3000000 vs. 2097152)', 'verdict TooLarge'],
    [8, 'Received message larger than max (600000000 vs 536870912)', 'partial TooLarge'],
    [8, 'etcdserver: too many requests', 'unsent TooManyRequests'],
    [7, 'etcdserver: permission denied', 'verdict PermissionDenied'],
    [16, 'etcdserver: invalid auth token', 'token'],
    [3, 'etcdserver: user name is empty', 'token'],
    [3, 'etcdserver: revision of auth store is old', 'token'],
    [3, 'etcdserver: authentication failed, invalid user ID or password', 'verdict Unauthenticated'],
    [3, 'etcdserver: duplicate key given in txn request', 'verdict Invalid'],
    [3, 'etcdserver: key is not provided', 'verdict Invalid'],
    [14, 'etcdserver: no leader', 'unsent Unavailable'],
    [14, 'etcdserver: rpc not supported for learner', 'unsent Unavailable'],
    [12, 'unknown service etcdserverpb.KV', 'unsent NotEtcd'],
  ])('reads gRPC status %i "%s" as %s', (code, details, expected) => {
    expect(brief(code, details).replace(/^token .*/, 'token')).toBe(expected);
  });

  it.each([
    [14, 'etcdserver: request timed out'],
    [14, 'etcdserver: request timed out, possibly due to previous leader failure'],
    [14, 'etcdserver: leader changed'],
    [14, 'etcdserver: server stopped'],
    [14, 'Connection dropped'],
    [14, 'read ECONNRESET'],
    [13, 'Received RST_STREAM with code 2 (Internal server error)'],
    [1, 'Cancelled on client'],
    [4, 'context deadline exceeded'],
    [2, 'something nobody has seen'],
  ])('I-135: never takes status %i "%s" for not applied', (code, details) => {
    expect(brief(code, details)).toBe('lost');
  });

  it('takes a call that no connection took as unsent, with the reason alone as its text', () => {
    const details =
      'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1 (2026-01-01T00:00:00.000Z). Resolution note: ';
    expect(classify(rpcError(14, details))).toEqual({
      kind: 'unsent',
      code: 'Unavailable',
      text: 'connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it('takes a call that its channel was closed over before it began as unsent', () => {
    for (const details of ['Channel has been shut down', 'Channel closed before call started']) {
      expect(classify(rpcError(14, details))).toEqual({ kind: 'unsent', code: 'Unavailable', text: details });
    }
  });

  it('reads a reason of cancelling a watch as it reads a status', () => {
    const reason = new Error('rpc error: code = PermissionDenied desc = etcdserver: permission denied');
    expect(classify(reason)).toEqual({ kind: 'verdict', code: 'PermissionDenied', text: 'permission denied' });
  });

  it('survives what is no error at all', () => {
    for (const thrown of [undefined, null, 'text', 7, {}]) expect(classify(thrown).kind).toBe('lost');
    expect(textOf('text')).toBe('text');
  });
});

describe('saysNotEtcd', () => {
  it('F-33: knows a web server and garbage from an etcd that is away', () => {
    expect(saysNotEtcd(rpcError(12, 'Received HTTP status code: 404'))).toBe(true);
    expect(saysNotEtcd(rpcError(14, 'No connection established. Last error: Protocol error'))).toBe(true);
    expect(saysNotEtcd(rpcError(14, 'No connection established. Last error: connect ECONNREFUSED'))).toBe(false);
    expect(saysNotEtcd(rpcError(14, 'Received HTTP status code: 503'))).toBe(false);
  });
});

describe('verdictError', () => {
  const full = { kind: 'partial', code: 'NoSpace', text: 'mvcc: database space exceeded' } as const;
  const subject = { what: 'put "/a"', key: '/a', endpoint: 'http://e:1' };

  it('fact 7: a write out of space is OutcomeUnknown with the verdict as its cause; a read is the verdict', () => {
    const write = verdictError(full, subject, true, new Error('raw'));
    expect([write.code, write.details.key, write.details.endpoint]).toEqual(['OutcomeUnknown', '/a', 'http://e:1']);
    expect(write.cause).toMatchObject({ code: 'NoSpace' });
    expect(verdictError(full, subject, false, undefined).code).toBe('NoSpace');
  });
});
