import fc from 'fast-check';
import type {
  BytesLike,
  Compare,
  DeleteRequest,
  KeySelector,
  Operation,
  PutRequest,
  RangeRequest,
  TxnRequest,
  WatchRequest,
} from 'setpoint/store';
import type { Call } from './call.ts';
import { NAMED_LEASES, NO_REVISION } from './resolve.ts';

/**
 * Few keys, so that calls meet: with each other's prefixes, with bytes at both ends of the order, and prefixes whose
 * range has no end. Also few enough (12) that etcd sorts them stably, so that ties can be compared: see `port.ts`.
 */
export const KEYS: readonly BytesLike[] = [
  'a',
  'a\0',
  'aa',
  'ab',
  'b',
  'b/c',
  'c',
  '\u00ff',
  Uint8Array.of(0),
  Uint8Array.of(0xfe, 0xff),
  Uint8Array.of(0xff),
  Uint8Array.of(0xff, 0xff),
];

const VALUES: readonly BytesLike[] = ['', 'x', 'y', 'yy', Uint8Array.of(0xff, 0)];

const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom(...VALUES);
const yes = fc.constant(true);

/** `fields`, of which each is there with the given probability (in percent). */
function some<T extends object>(fields: { [K in keyof T]-?: readonly [number, fc.Arbitrary<NonNullable<T[K]>>] }) {
  const model = Object.fromEntries(
    Object.entries<readonly [number, fc.Arbitrary<unknown>]>(fields).map(([name, [percent, arbitrary]]) => [
      name,
      fc.oneof(
        { weight: 100 - percent, arbitrary: fc.constant(undefined) },
        { weight: percent, arbitrary: arbitrary.map((given) => ({ given })) },
      ),
    ]),
  );
  return fc.record(model).map((drawn) => {
    const given = Object.entries(drawn as Record<string, { given: unknown } | undefined>);
    return Object.fromEntries(given.flatMap(([name, field]) => (field ? [[name, field.given]] : []))) as T;
  });
}

const selector: fc.Arbitrary<KeySelector> = fc.oneof(
  { weight: 4, arbitrary: key.map((one) => ({ key: one })) },
  { weight: 2, arbitrary: fc.tuple(key, key).map(([start, end]) => ({ key: start, end })) },
  { weight: 2, arbitrary: key.map((prefix) => ({ prefix })) },
  { weight: 2, arbitrary: key.map((fromKey) => ({ fromKey })) },
  { weight: 2, arbitrary: fc.constant({ fromKey: '\0' }) },
);

/** What is deleted is mostly one key: a store that is emptied all the time has little to say. */
const deletedSelector: fc.Arbitrary<KeySelector> = fc.oneof(
  { weight: 40, arbitrary: key.map((one) => ({ key: one })) },
  { weight: 8, arbitrary: selector },
);

/** As {@link resolve} reads it: mostly near the present, seldom to come. */
const someRevision: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 6, arbitrary: fc.nat(5).map(BigInt) },
  { weight: 3, arbitrary: fc.nat(30).map(BigInt) },
  { weight: 1, arbitrary: fc.constantFrom(-1n, -2n, -1000n) },
);
const revision = fc.oneof({ weight: 20, arbitrary: someRevision }, { weight: 1, arbitrary: fc.constant(NO_REVISION) });

const livingLease = fc.integer({ min: 1, max: NAMED_LEASES }).map(BigInt);
const numberedLease = fc.integer({ min: NAMED_LEASES + 1, max: 2 * NAMED_LEASES }).map(BigInt);
const lease: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 8, arbitrary: livingLease },
  { weight: 2, arbitrary: numberedLease },
);
const leaseOrNone = fc.oneof({ weight: 9, arbitrary: lease }, { weight: 1, arbitrary: fc.constant(0n) });

const put: fc.Arbitrary<PutRequest> = fc
  .tuple(
    fc.record({ key, value }),
    some<Pick<PutRequest, 'prevKv'>>({ prevKv: [50, fc.boolean()] }),
    fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Pick<PutRequest, 'lease' | 'keepLease'>> }[]>(
      { weight: 63, arbitrary: fc.constant({}) },
      { weight: 27, arbitrary: leaseOrNone.map((given) => ({ lease: given })) },
      { weight: 10, arbitrary: fc.boolean().map((keepLease) => ({ keepLease })) },
    ),
  )
  .map(([required, optional, leased]) => ({ ...required, ...optional, ...leased }));

const deletion: fc.Arbitrary<DeleteRequest> = fc
  .tuple(deletedSelector, some<{ prevKv?: boolean }>({ prevKv: [50, fc.boolean()] }))
  .map(([which, optional]) => ({ ...which, ...optional }));

type RangeOptions = Pick<RangeRequest, Exclude<keyof RangeRequest, 'key' | 'prefix' | 'fromKey' | 'end'>>;

const range: fc.Arbitrary<RangeRequest> = fc
  .tuple(
    selector,
    some<RangeOptions>({
      limit: [40, fc.nat(5)],
      sort: [
        40,
        fc.record({
          by: fc.constantFrom('key', 'create', 'mod', 'version', 'value'),
          order: fc.constantFrom('ascend', 'descend'),
        }),
      ],
      keysOnly: [20, yes],
      countOnly: [15, yes],
      revision: [40, revision],
      minModRevision: [10, revision],
      maxModRevision: [10, revision],
      minCreateRevision: [10, revision],
      maxCreateRevision: [10, revision],
      serializable: [50, yes],
    }),
  )
  .map(([which, optional]) => ({ ...which, ...optional }));

const operator = fc.constantFrom('=' as const, '!=' as const, '>' as const, '<' as const);
const comparison = fc.oneof(
  fc.record({ target: fc.constant('version' as const), operator, operand: fc.nat(3).map(BigInt) }),
  fc.record({ target: fc.constantFrom('create' as const, 'mod' as const), operator, operand: revision }),
  fc.record({ target: fc.constant('lease' as const), operator, operand: leaseOrNone }),
  fc.record({ target: fc.constant('value' as const), operator, operand: value }),
);
const compare: fc.Arbitrary<Compare> = fc.tuple(selector, comparison).map(([which, what]) => ({ ...which, ...what }));

function txn(depth: number): fc.Arbitrary<TxnRequest> {
  const operations = fc.array(operation(depth), { maxLength: 3 });
  return some<TxnRequest>({
    compares: [80, fc.array(compare, { maxLength: 2 })],
    then: [85, operations],
    else: [85, operations],
  });
}

function operation(depth: number): fc.Arbitrary<Operation> {
  return fc.oneof(
    { weight: 8, arbitrary: put.map((request) => ({ put: request })) },
    { weight: 3, arbitrary: deletion.map((request) => ({ delete: request })) },
    { weight: 4, arbitrary: range.map((request) => ({ range: request })) },
    {
      weight: depth > 0 ? 5 : 0,
      arbitrary: depth > 0 ? txn(depth - 1).map((request) => ({ txn: request })) : fc.constant({ txn: {} }),
    },
  );
}

const watch: fc.Arbitrary<WatchRequest> = fc
  .tuple(
    selector,
    some<Pick<WatchRequest, 'startRevision' | 'exclude' | 'prevKv'>>({
      startRevision: [75, revision],
      exclude: [30, fc.constantFrom('put', 'delete')],
      prevKv: [60, fc.boolean()],
    }),
  )
  .map(([which, optional]) => ({ ...which, ...optional }));

const timeToLive: fc.Arbitrary<Call> = fc
  .tuple(lease, some<{ keys?: boolean }>({ keys: [80, fc.boolean()] }))
  .map(([id, keys]) => ({ leaseTimeToLive: id, ...keys }));

const disarm = fc.constantFrom('NOSPACE' as const, 'CORRUPT' as const).map((alarm) => ({ memberId: '1', alarm }));

/** A valid call, as a template for {@link resolve}. `ttlSeconds` is what its leases may live. */
export function arbitraryCall(ttlSeconds: fc.Arbitrary<number>): fc.Arbitrary<Call> {
  const grant = fc.record({ ttlSeconds, id: numberedLease });
  const oneof = (weighted: readonly (readonly [number, fc.Arbitrary<Call>])[]): fc.Arbitrary<Call> =>
    fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  return oneof([
    [220, put.map((request) => ({ put: request }))],
    [80, deletion.map((request) => ({ delete: request }))],
    [190, range.map((request) => ({ range: request }))],
    [260, txn(2).map((request) => ({ txn: request }))],
    [30, watch.map((request) => ({ watch: request }))],
    [30, someRevision.map((at) => ({ compact: at }))],
    [40, grant.map((request) => ({ leaseGrant: request }))],
    [4, fc.record({ ttlSeconds }).map((request) => ({ leaseGrant: request }))],
    [12, lease.map((id) => ({ leaseKeepAlive: id }))],
    [12, lease.map((id) => ({ leaseRevoke: id }))],
    [12, timeToLive],
    [8, fc.constant({ leases: true })],
    [3, fc.constant({ status: true })],
    [2, fc.constant({ members: true })],
    [2, fc.constant({ alarms: true })],
    [2, disarm.map((alarm) => ({ disarm: alarm }))],
  ]);
}

/** A call of any method, each as often as another. */
export const anyMethod: fc.Arbitrary<Call> = fc.oneof(
  fc.constantFrom<Call[]>({ leases: true }, { status: true }, { members: true }, { alarms: true }),
  fc.constantFrom<Call[]>({ leaseGrant: { ttlSeconds: 60 } }, { disarm: { memberId: '1', alarm: 'NOSPACE' } }),
  lease.chain((id) => fc.constantFrom<Call[]>({ leaseKeepAlive: id }, { leaseRevoke: id }, { leaseTimeToLive: id })),
  someRevision.map((at) => ({ compact: at })),
  fc.oneof(
    put.map((request) => ({ put: request })),
    deletion.map((request) => ({ delete: request })),
    range.map((request) => ({ range: request })),
    txn(0).map((request) => ({ txn: request })),
    watch.map((request) => ({ watch: request })),
  ),
);

/** Puts many of the keys at once, so that a sequence has something to work on. */
export const fill: fc.Arbitrary<Call> = fc
  .tuple(fc.subarray([...KEYS], { minLength: 6 }), fc.array(value, { minLength: KEYS.length, maxLength: KEYS.length }))
  .map(([keys, values]) => ({
    txn: { then: keys.map((one, index) => ({ put: { key: one, value: values[index]! } })) },
  }));

/** A put that hangs its key on a lease that lives, if there is one. */
export const leasedPut: fc.Arbitrary<Call> = fc
  .record({ key, value, lease: livingLease })
  .map((request) => ({ put: request }));

export { livingLease, numberedLease };
