import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../setpoint/src/internal/fake-clock.ts';
import { Endpoint } from './endpoint.ts';
import { EndpointSet } from './endpoint-set.ts';
import { type EtcdStoreOptions, resolveOptions, type Settings } from './options.ts';

/** Nothing listens on port 1, so that a connection is refused at once. */
const endpoints = 'https://127.0.0.1:1';

function setUp(tls: NonNullable<EtcdStoreOptions['tls']>): { clock: FakeClock; settings: Settings } {
  const clock = new FakeClock();
  return { clock, settings: resolveOptions({ endpoints, clock, tls }) };
}

describe('Endpoint', () => {
  it('X1: connects once for all that ask meanwhile, so that no transport is lost', async () => {
    let asked = 0;
    const { settings } = setUp(() => (asked++, {}));
    const endpoint = new Endpoint(endpoints, settings, { clusterId: undefined });
    expect(await Promise.all([endpoint.connect(), endpoint.connect()])).toEqual([false, false]);
    expect(asked).toBe(1);
    await endpoint.connect();
    expect(asked).toBe(2);
    endpoint.close();
  });

  it('certificates that do not come take dialTimeoutMs and no longer', async () => {
    const { clock, settings } = setUp(() => new Promise(() => {}));
    const endpoint = new Endpoint(endpoints, settings, { clusterId: undefined });
    let connected: boolean | undefined;
    void endpoint.connect().then((usable) => (connected = usable));
    await clock.advance(1999);
    expect(connected).toBe(undefined);
    await clock.advance(1);
    expect(connected).toBe(false);
    expect(endpoint.fault).toEqual({
      code: 'Untrusted',
      text: "its certificates can't be used: etcdStore.tls gave none within 2000 ms",
    });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('EndpointSet', () => {
  it('who gives up waiting is not told what was wrong with the endpoints before', async () => {
    const { settings } = setUp({});
    const set = new EndpointSet(settings, new AbortController().signal);
    const [endpoint] = set.all;
    endpoint!.fault = { code: 'NotEtcd', text: 'a web server' };
    endpoint!.connect = () => new Promise(() => {});
    const caller = new AbortController();
    const found = set.usable(caller.signal);
    await settle();
    caller.abort();
    expect(await found).toBe(undefined);
  });
});
