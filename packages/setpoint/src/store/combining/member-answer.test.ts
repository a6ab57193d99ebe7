import { describe, expect, it } from 'vitest';
import { heldStore } from '../../../../../test/harness/held-store.ts';
import { FakeClock, settle } from '../../internal/fake-clock.ts';
import { memoryStore } from '../memory/memory-store.ts';
import type { Compare, Store, TxnRequest, TxnResponse } from '../port.ts';
import { combineWrites } from './combine-writes.ts';

/** A memory store whose writes wait for the test, and the same with its writes combined. */
function setUp() {
  const clock = new FakeClock();
  const memory = memoryStore({ clock });
  const held = heldStore(memory);
  return { clock, memory, calls: held.calls, store: combineWrites(held.store, { clock, maxInFlight: 1 }) };
}

const absent = (key: string): Compare => ({ key, target: 'version', operator: '=', operand: 0n });
const putIf = (key: string, ...compares: Compare[]): TxnRequest => ({
  compares,
  then: [{ put: { key, value: key } }],
});

describe('what each member is answered', () => {
  /** Makes all the writes at once, combined, and gives each one's answer. */
  async function together(...writes: ((store: Store) => Promise<unknown>)[]): Promise<unknown[]> {
    const { store, calls, memory } = setUp();
    await memory.put({ key: 'old/1', value: 'o' });
    await memory.put({ key: 'old/2', value: 'o' });
    const answers = writes.map((write) => write(store));
    await settle();
    await calls[0]!.pass();
    expect(calls, 'all in one call').toHaveLength(1);
    return Promise.all(answers);
  }

  const filler = (store: Store) => store.put({ key: 'filler', value: '' });

  it('a put: its revision, and what it replaced', async () => {
    const [, fresh, replacing] = await together(
      filler,
      (store) => store.put({ key: 'new', value: '', prevKv: true }),
      (store) => store.put({ key: 'old/1', value: '', prevKv: true }),
    );
    expect(fresh).toEqual({ revision: 4n });
    expect(replacing).toMatchObject({ revision: 4n, prevKv: { modRevision: 2n, version: 1n } });
  });

  it('a delete: how many and which, and the revision also when there was nothing', async () => {
    const [some, none] = await together(
      (store) => store.delete({ prefix: 'old/', prevKv: true }),
      (store) => store.delete({ key: 'nothing' }),
      filler,
    );
    expect(some).toMatchObject({ revision: 4n, deleted: 2n, prevKvs: [{ modRevision: 2n }, { modRevision: 3n }] });
    expect(none).toEqual({ revision: 4n, deleted: 0n, prevKvs: [] });
    // First in the call, nothing had been written when it ran.
    const [first] = await together((store) => store.delete({ key: 'nothing' }), filler);
    expect(first).toEqual({ revision: 4n, deleted: 0n, prevKvs: [] });
  });

  it('a transaction: whether its own compares held, and the answers of its own branch', async () => {
    const [, held, failed] = await together(
      filler,
      (store) => store.txn(putIf('a', absent('a'))),
      (store) => store.txn({ ...putIf('b', absent('old/1')), else: [{ range: { key: 'old/1' } }] }),
    );
    expect(held).toEqual({ revision: 4n, succeeded: true, responses: [{ put: { revision: 4n } }] });
    expect(failed).toMatchObject({
      revision: 4n,
      succeeded: false,
      responses: [{ range: { revision: 4n, count: 1n, kvs: [{ modRevision: 2n }] } }],
    });
  });

  it('reads name the revision before until their own transaction writes, wherever in the call it stands', async () => {
    const request: TxnRequest = {
      then: [
        { range: { prefix: 'old/' } },
        { delete: { key: 'nothing' } },
        { put: { key: 'a', value: '' } },
        { range: { prefix: 'a' } },
        { txn: { then: [{ range: { prefix: 'old/' } }] } },
      ],
    };
    const revisions = (answer: unknown): bigint[] => {
      const { revision, responses } = answer as TxnResponse;
      const nested = responses.map((each) => ('txn' in each ? each.txn.responses[0]! : each));
      return [revision, ...nested.map((each) => Object.values(each)[0]!.revision)];
    };
    const alone = memoryStore();
    await alone.put({ key: 'old/1', value: '' });
    await alone.put({ key: 'old/2', value: '' });
    const expected = revisions(await alone.txn(request));
    expect(expected).toEqual([4n, 3n, 3n, 4n, 4n, 4n]);
    const own = (store: Store) => store.txn(request);
    expect(revisions((await together(filler, own))[1])).toEqual(expected);
    expect(revisions((await together(own, filler))[0])).toEqual(expected);
  });

  it('a member that writes nothing names the revision of the call throughout, wherever in it it stands', async () => {
    const idle = (store: Store) =>
      store.txn({
        compares: [absent('old/1')],
        then: [{ delete: { key: 'x' } }],
        else: [{ range: { prefix: 'old/' } }],
      });
    const expected = { revision: 4n, succeeded: false, responses: [{ range: { revision: 4n } }] };
    expect((await together(filler, idle))[1]).toMatchObject(expected);
    expect((await together(idle, filler))[0]).toMatchObject(expected);
  });
});
