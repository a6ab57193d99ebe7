import type { Mutant } from './mutant.ts';

/** The ten, beside the twenty bugs of reconcilers. Their fixed twin is the runtime as it is. */
export const mutants: readonly Mutant[] = [
  {
    number: 21,
    title: 'the informer resumes a watch one revision too late',
    file: 'informer/reflector',
    changes: [['startRevision: revision + 1n', 'startRevision: revision + 2n']],
    subject: 'relists',
  },
  {
    number: 22,
    title: 'the informer takes in what it has taken in before',
    file: 'informer/informer-cache',
    changes: [
      ['modRevision <= this.#revision', 'modRevision < 0n'],
      ['modRevision <= known', 'modRevision < 0n'],
    ],
    subject: 'relists',
  },
  {
    number: 23,
    title: 'the queue forgets that a key was wanted while it was held',
    file: 'workqueue/work-queue',
    changes: [['held ? this.#again.add(key)', 'held ? false']],
    subject: 'counted',
  },
  {
    number: 24,
    title: 'failures are forgotten before there is a success',
    file: 'controller/requeues',
    changes: [['const atLeastMs = outcome.retryAfterMs ?? 0;', 'const atLeastMs = 0; this.#queue.forget(key);']],
    subject: 'failing',
  },
  {
    number: 25,
    title: 'a new list does not tell what has gone',
    file: 'informer/staged-list',
    changes: [['if (!this.entries.has(old.key))', 'if (false)']],
    subject: 'relists',
  },
  {
    number: 26,
    title: 'the writes of a leader do not ask whether it still leads',
    file: 'coordination/ownership',
    changes: [
      ["{ key: this.key, target: 'create', operator: '=', operand: this.createRevision },", ''],
      ["{ key: this.key, target: 'lease', operator: '=', operand: key.lease },", ''],
      ['check: () => void this.held,', 'check: () => {},'],
    ],
    subject: 'coordination',
  },
  {
    number: 27,
    title: 'a reconcile does not wait for what the last one wrote',
    file: 'client/expectations',
    changes: [['const waits = [...expected]', 'const waits = [...expected].slice(0, 0)']],
    subject: 'own-writes',
  },
  {
    number: 28,
    title: 'delays are counted by the wall clock',
    file: 'workqueue/delays',
    changes: [
      ['const now = this.#clock.now();', 'const now = this.#clock.wallNow();'],
      ['setEarlier(key, this.#clock.now() + delayMs)', 'setEarlier(key, this.#clock.wallNow() + delayMs)'],
      ['first.at - this.#clock.now()', 'first.at - this.#clock.wallNow()'],
    ],
    subject: 'queue',
  },
  {
    number: 29,
    title: 'the watch is opened at the revision of the list, not after it',
    file: 'informer/reflector',
    changes: [['startRevision: revision + 1n', 'startRevision: revision']],
    subject: 'relists',
  },
  {
    number: 30,
    title: 'an object that was deleted and made again counts as changed',
    file: 'informer/change',
    changes: [['|| isSameIncarnation(before, after)', '|| before.key === after.key']],
    subject: 'successors',
  },
];

/**
 * Written afterwards, and run as they are: nothing in the kit or in the subjects was changed because of them. How many
 * of these are caught is the honest rate. All but h7: because it was missed, simulations watch single flight.
 */
export const heldOut: readonly Mutant[] = [
  {
    number: 'h1',
    title: 'the finalizer is taken off before finalize has run',
    file: 'runtime/finalizing',
    changes: [
      [
        'const result = await steps.finalize?.(object);',
        'await steps.removeFinalizer(object); const result = await steps.finalize?.(object);',
      ],
    ],
    subject: 'client',
  },
  {
    number: 'h2',
    title: 'the collector takes an object of the same name for the owner',
    file: 'garbage-collection/collect-dependent',
    changes: [['if (owner?.metadata.uid !== reference.uid)', 'if (!owner)']],
    subject: 'garbage-collector',
  },
  {
    number: 'h3',
    title: 'the collector does not ask the store whether the owner is there',
    file: 'garbage-collection/collect-dependent',
    changes: [['.find(place.ref, { signal });', '.find(place.ref, { signal }).then(() => undefined);']],
    subject: 'garbage-collector',
  },
  {
    number: 'h4',
    title: 'an index keeps an object under its old value',
    file: 'informer/value-index',
    changes: [['        this.remove(entry.key, before);\n', '']],
    subject: 'garbage-collector',
  },
  {
    number: 'h5',
    title: 'failures are never forgotten',
    file: 'controller/requeues',
    changes: [['            this.#queue.forget(key);\n', '']],
    subject: 'queue',
  },
  {
    number: 'h6',
    title: 'an object in a new generation is not what the status was observed at',
    file: 'runtime/status-writer',
    changes: [['if (!deepEqual(next, current.status))', 'if (true)']],
    subject: 'owners',
  },
  {
    number: 'h7',
    title: 'a key is handed out again while it is held',
    file: 'workqueue/work-queue',
    changes: [['held ? this.#again.add(key)', 'held ? this.#ready.add(key, 0)']],
    subject: 'queue',
  },
  {
    number: 'h8',
    title: 'a session counts its time from the answer, not from the question',
    file: 'coordination/session',
    changes: [
      [
        'this.#deadline = Math.max(this.#deadline, sentAt +',
        'this.#deadline = Math.max(this.#deadline, this.clock.now() +',
      ],
    ],
    subject: 'coordination',
  },
  {
    number: 'h9',
    title: 'a write that meets another writer is given up quietly',
    file: 'client/replace-loop',
    changes: [['base = undefined;', 'if (base) return base; base = undefined;']],
    subject: 'client',
  },
  {
    number: 'h10',
    title: 'a release deletes whatever holds the key now',
    file: 'coordination/ownership',
    changes: [
      ["compares: [{ key, target: 'create', operator: '=', operand: createRevision }],\n            then", 'then'],
    ],
    subject: 'coordination',
  },
];
