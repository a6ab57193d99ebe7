import type { Informer, ListSummary } from 'setpoint/informer';
import { check } from './checks.ts';
import type { WrittenHistory } from './written-history.ts';

/** One call of a handler that never keeps the informer waiting. */
interface Told {
  readonly type: 'add' | 'update' | 'delete';
  readonly name: string;
  readonly revision: bigint;
  readonly object: string;
  readonly old?: string;
  /** It came out of a list, and not out of a watch. */
  readonly listed: boolean;
}

/** What was told of a key last. */
interface State {
  readonly object: string;
  readonly revision: bigint;
}

/**
 * Everything that an informer tells, and the promises of a watch held against it (I-169 to I-176, as etcd's own tests
 * of its watches have them). Readers of an informer may rely on more than those of a watch: what they see of the cache
 * at any call is checked too. Lists are the only gaps: what they skipped, they say.
 */
export class RecordedOutput {
  readonly #informer: Informer<string>;
  readonly #history: WrittenHistory;
  #calls: Told[] = [];
  #views: { readonly revision: bigint; readonly objects: ReadonlyMap<string, string> }[] = [];
  /** What lists skipped: nothing of (from, to] had to be told one by one. */
  #gaps: { readonly from: bigint; readonly to: bigint }[] = [];
  #listingFrom = 0n;
  #checkedTo = 0n;
  readonly #state = new Map<string, State>();
  #newest = 0n;
  #broken: string | undefined;
  calls = 0;
  relists = 0;

  constructor(informer: Informer<string>, history: WrittenHistory) {
    this.#informer = informer;
    this.#history = history;
    const note = (told: Omit<Told, 'listed'>): void => this.#note({ ...told, listed: informer.phase === 'listing' });
    informer.addEventHandler({
      add: (object, { key: name, revision }) => note({ type: 'add', name, revision, object }),
      update: (old, object, { key: name, revision }) => note({ type: 'update', name, revision, object, old }),
      delete: (object, { key: name, revision }) => note({ type: 'delete', name, revision, object }),
    });
    informer.on('phase', ({ phase, revision }) => {
      if (phase === 'listing') this.#listingFrom = revision;
    });
    informer.on('synced', ({ revision }) => this.#gap(revision));
    informer.on('relist', ({ revision }: ListSummary) => {
      this.relists++;
      this.#gap(revision);
    });
  }

  /** Throws the first promise that did not hold since the last check. The cache must have come to a rest. */
  check(): void {
    check(this.#broken === undefined, () => this.#broken!);
    const { revision: reached } = this.#informer;
    for (const told of this.#calls) this.#checkCall(told);
    for (const view of this.#views) this.#checkView(view);
    this.#checkReliable(reached);
    this.#calls = [];
    this.#views = [];
    this.#gaps = [];
    this.#checkedTo = reached;
  }

  #gap(to: bigint): void {
    this.#gaps.push({ from: this.#listingFrom, to });
  }

  #note(told: Told): void {
    this.calls++;
    this.#calls.push(told);
    const { lister, revision } = this.#informer;
    if (lister.get('pair/left') !== lister.get('pair/right'))
      this.#broken ??= `I-171: half of revision ${revision} seen`;
    if (this.#views.at(-1)?.revision === revision) return;
    const objects = new Map(Array.from(lister.keys(), (name) => [name, lister.get(name)!]));
    this.#views.push({ revision, objects });
  }

  #checkCall({ type, name, revision, object, old, listed }: Told): void {
    const before = this.#state.get(name);
    const what = `${type} of ${name} at ${revision}`;
    check(!before || revision > before.revision || type !== 'update', `I-170: ${what} after ${before?.revision}`);
    if (!listed) {
      check(revision >= this.#newest, `I-169: ${what} after revision ${this.#newest}`);
      this.#newest = revision;
    }
    const held = this.#history.at(revision).get(name);
    if (type === 'delete') {
      check(before?.object === object, `I-176: ${what} with another last state`);
      // A deletion that was told for a new incarnation comes with the revision of that one.
      this.#state.delete(name);
      return;
    }
    check(held === object, `I-176: ${what} was ${held} and not ${object}`);
    if (type === 'add') check(before === undefined, `I-176: ${what}, which was there`);
    else check(before !== undefined && before.object === old, `I-176: ${what} from a state that was not told`);
    if (!listed && type === 'update') {
      const previous = this.#history.at(revision - 1n).get(name);
      check(previous === old, `I-176: ${what} says that it was ${old}, and it was ${previous}`);
    }
    this.#state.set(name, { object, revision });
  }

  /** I-174, and more: all up to the cache's revision is in it, and nothing else. */
  #checkView({ revision, objects }: { revision: bigint; objects: ReadonlyMap<string, string> }): void {
    const held = this.#history.at(revision);
    for (const name of new Set([...held.keys(), ...objects.keys()])) {
      const [own, its] = [objects.get(name), held.get(name)];
      check(own === its, () => `I-174, I-175: at revision ${revision} the cache has ${name}=${own} and not ${its}`);
    }
  }

  /** I-172, I-173: of what no list skipped, everything was told, also across broken connections. */
  #checkReliable(reached: bigint): void {
    const told = new Set(this.#calls.map(({ name, revision }) => `${revision} ${name}`));
    // A new incarnation is a delete and an add of one revision.
    const each = new Set(this.#calls.map(({ type, name, revision }) => `${type} of ${name} at ${revision}`));
    check(each.size === this.#calls.length, 'I-170: something was told twice');
    for (const { revision, name } of this.#history.changes(this.#checkedTo, reached)) {
      const skipped = this.#gaps.some(({ from, to }) => revision > from && revision <= to);
      check(skipped || told.has(`${revision} ${name}`), () => `I-172: the change of ${name} at ${revision} is missing`);
    }
  }
}
