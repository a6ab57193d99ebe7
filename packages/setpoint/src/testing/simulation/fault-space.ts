import type { Fault, FaultKind } from './fault.ts';
import type { Reference } from './schedule-result.ts';

/** Every single fault that could make a difference in the run that `reference` was, in the order of the run. */
export function singleFaults(reference: Reference, kinds: ReadonlySet<FaultKind>): readonly Fault[] {
  const faults: Fault[] = [];
  const add = (kind: FaultKind, at: string | number): void => {
    if (kinds.has(kind)) faults.push({ kind, at: String(at) });
  };
  const seen = new Set<string>();
  for (const [index, point] of reference.points.entries()) {
    switch (point.type) {
      case 'call': {
        const { number, write, likeness } = point;
        if (seen.has(likeness)) break;
        seen.add(likeness);
        add('crash-before', number);
        add('unavailable', number);
        add('lost', number);
        add('delay', number);
        add('pause', number);
        if (write) {
          // A crash after a read is the crash before the next call: a read leaves nothing behind.
          for (const kind of ['crash-after', 'unknown', 'touch', 'late'] as const) add(kind, number);
        }
        const next = reference.points[index + 1];
        // Likewise a crash right after a reply, unless something else happens first.
        if (next?.type !== 'call' || next.process !== point.process) add('crash-done', number);
        break;
      }
      case 'event': {
        const at = `${point.line}.${point.number}`;
        for (const kind of ['hold', 'freeze', 'skip', 'travel', 'lose', 'break', 'compact'] as const) add(kind, at);
        if (point.number > 1) add('repeat', at);
        break;
      }
      case 'rest':
        add('restart', point.number);
        add('jump', point.number);
        if (point.number > 0) add('restore', point.number);
        break;
    }
  }
  addStarts(reference, add);
  return faults;
}

/**
 * The same faults in an order in which what differs most comes first: one of each kind at each sort of point, then a
 * second one, and so on; of each sort the last point first, where most has happened, then the first one.
 */
export function diverseFirst(faults: readonly Fault[], reference: Reference): readonly Fault[] {
  const sorts = new Map<string, Fault[]>();
  const sortOf = new Map<string, string>();
  for (const point of reference.points) {
    if (point.type === 'call') sortOf.set(String(point.number), point.sort);
    if (point.type === 'event') sortOf.set(`${point.line}.${point.number}`, point.line);
  }
  for (const fault of faults) {
    const sort = `${fault.kind} ${sortOf.get(fault.at) ?? ''}`;
    const alike = sorts.get(sort) ?? [];
    alike.push(fault);
    sorts.set(sort, alike);
  }
  const ordered: Fault[] = [];
  for (let round = 0; ordered.length < faults.length; round++) {
    for (const alike of sorts.values()) {
      const next = round % 2 === 0 ? alike.pop() : alike.shift();
      if (next) ordered.push(next);
    }
  }
  return ordered;
}

/** From every state that the run went through, and from some of these with one dependent object less. */
function addStarts(reference: Reference, add: (kind: FaultKind, at: string) => void): void {
  const last = reference.snapshots.length - 1;
  for (const [index, snapshot] of reference.snapshots.entries()) {
    add('start', String(index));
    if (index !== last && index % 3 !== 0) continue;
    const keys = [...snapshot.keys()].sort();
    for (const [missing, key] of keys.entries()) {
      if (isDependent(snapshot.get(key)!)) add('without', `${index}.${missing}`);
    }
  }
}

/** Whether anybody may delete the object and have it made again: it has an owner, and no finalizer. */
function isDependent(value: Uint8Array): boolean {
  const text = Buffer.from(value).toString();
  return text.includes('"ownerReferences":[{') && !text.includes('"finalizers":["');
}
