import { setTimeout as wait } from 'node:timers/promises';
import type { Store, WatchBatch } from 'setpoint/store';
import { keyText } from 'setpoint/store';
import type { Random } from 'setpoint/testing';
import type { EtcdServer } from '../harness/etcd-server.ts';
import { counterKey, decodeCounter, type RecordLine } from './client.ts';
import { afflict, afflictServer, type Fault, planFault, SERVER_FAULTS, type ServerFault } from './faults.ts';
import type { History, Operation, Version } from './history.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface WindowOptions {
  readonly server: EtcdServer;
  /** Straight to the server, to read what became of it. */
  readonly store: Store;
  readonly workers: readonly WorkerProcess[];
  readonly names: readonly string[];
  readonly tries: number;
  readonly lastsMs: number;
  readonly random: Random;
}

/** What a window of faults left behind. */
export interface WindowOutcome {
  readonly histories: readonly History[];
  readonly faults: readonly (Fault | ServerFault)[];
  /** Writes that were refused because their sender was no longer the owner. */
  readonly deposed: number;
}

/** Lets all workers work on all histories while each of them meets a fault of its own, and gathers what they did. */
export async function runWindow(options: WindowOptions): Promise<WindowOutcome> {
  const { server, store, workers, names, tries, lastsMs, random } = options;
  const { revision } = await store.range({ key: '/histories' });
  const plans = workers.map(() => planFault(random));
  const onServer = SERVER_FAULTS[Math.floor(random.next() * SERVER_FAULTS.length)]!;
  workers.forEach((worker) => worker.tell({ begin: names, tries }));
  await Promise.all([
    wait(lastsMs),
    ...workers.map((worker, index) => afflict(worker, plans[index]!)),
    afflictServer(server, onServer, random),
  ]);
  await Promise.all(workers.map((worker) => worker.finish()));
  const record = workers.flatMap((worker) => worker.takeRecord());
  for (const worker of workers) if (!worker.running) await worker.launch(Math.floor(random.next() * 2 ** 31));
  const versions = await versionsSince(store, revision, names);
  const byHistory = operationsOf(record);
  const histories = names.map((name) => {
    return { name, operations: byHistory.get(name) ?? [], versions: versions.get(name) ?? [] };
  });
  const deposed = record.filter((line) => 'ended' in line && line.deposed).length;
  return { histories, faults: [...plans.map(({ fault }) => fault), onServer], deposed };
}

function operationsOf(record: readonly RecordLine[]): Map<string, Operation[]> {
  const ends = new Map(record.flatMap((line) => ('ended' in line ? [[line.ended, line] as const] : [])));
  const byHistory = new Map<string, Operation[]>();
  for (const line of record) {
    if (!('began' in line)) continue;
    const { began: id, kind, at: invokedAt } = line;
    const operations = byHistory.get(line.history) ?? [];
    byHistory.set(line.history, operations);
    const end = ends.get(id);
    if (!end) operations.push({ id, kind, invokedAt, outcome: 'unknown', value: 0 });
    else {
      const { outcome, value, revision, at: returnedAt } = end;
      operations.push({
        id,
        kind,
        invokedAt,
        returnedAt,
        outcome,
        value,
        ...(revision === undefined ? {} : { revision }),
      });
    }
  }
  return byHistory;
}

async function versionsSince(
  store: Store,
  after: bigint,
  names: readonly string[],
): Promise<ReadonlyMap<string, Version[]>> {
  const versions = new Map<string, Version[]>(names.map((name) => [name, []]));
  const { revision: last } = await store.range({ key: '/histories' });
  const end = await store.put({ key: '/histories/~end', value: '' });
  const read = ({ events }: WatchBatch): void => {
    for (const { kv } of events) {
      const name = keyText(kv.key).slice(counterKey('').length);
      if (kv.modRevision > last && name !== '~end') throw new Error(`${name} was written after everything had ended`);
      const list = versions.get(name);
      if (list) list.push({ revision: Number(kv.modRevision), ...decodeCounter(kv.value) });
    }
  };
  for await (const batch of store.watch({ prefix: counterKey(''), startRevision: after + 1n })) {
    read(batch);
    if (batch.revision >= end.revision) return versions;
  }
  throw new Error('the watch over the histories ended');
}

/** Unknown increments with what became of them, which the store knows: which of them it has, not in which order. */
export function completed({ operations, versions, name }: History): History {
  const values = new Map(versions.map(({ id, value }) => [id, value]));
  const settled = (each: Operation): Operation => {
    if (each.kind === 'read' || each.outcome !== 'unknown') return each;
    const value = values.get(each.id);
    return { ...each, value: value ?? each.value, written: value !== undefined };
  };
  return { name, versions, operations: operations.map(settled) };
}
