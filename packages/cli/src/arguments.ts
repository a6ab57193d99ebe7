import { nearestName } from 'setpoint';
import { Event } from 'setpoint/events';
import { type CliKind, kindName } from './cli-kind.ts';
import { CommandError } from './command-error.ts';

/** A kind by any of its names: plural, singular, short, the kind itself, each also with its group. */
export function findKind(kinds: readonly CliKind[], written: string): CliKind {
  const wanted = written.toLowerCase();
  const found = kinds.find(({ resource }) => namesOf(resource).includes(wanted));
  if (found) return found;
  const nearest = nearestName(
    wanted,
    kinds.flatMap(({ resource }) => [resource.plural, resource.singular, ...resource.shortNames]),
  );
  const hint =
    nearest === undefined
      ? `There are ${kinds.map(({ resource }) => resource.plural).join(', ')}.`
      : `Did you mean "${nearest}"?`;
  throw new CommandError(`error: the server doesn't have a resource type "${written}". ${hint}`);
}

/** What a command is about: some kinds, and maybe names of one of them. */
export interface Targets {
  readonly kinds: readonly CliKind[];
  /** Empty: all objects. */
  readonly names: readonly string[];
}

/** Reads `deploy`, `deploy,rs`, `deploy web other`, `deploy/web`, and `all`, which are all but the events. */
export function readTargets(kinds: readonly CliKind[], words: readonly string[]): Targets {
  const [first = '', ...names] = words;
  if (first.includes('/')) {
    const pairs = words.map((word) => readPair(kinds, word));
    const [one] = pairs;
    const other = pairs.find(({ kind }) => kind !== one!.kind);
    if (other) throw new CommandError('error: name objects of one kind at a time');
    return { kinds: [one!.kind], names: pairs.map(({ name }) => name) };
  }
  if (first === 'all') return { kinds: kinds.filter(({ resource }) => resource !== Event), names: [] };
  const chosen = first.split(',').map((word) => findKind(kinds, word));
  if (chosen.length > 1 && names.length > 0) {
    throw new CommandError('error: when naming objects, give one kind: get deploy web');
  }
  return { kinds: chosen, names };
}

/** One object: `deploy/web` or `deploy web`. */
export function readObject(kinds: readonly CliKind[], words: readonly string[]): { kind: CliKind; name: string } {
  const { kinds: chosen, names } = readTargets(kinds, words);
  const [kind] = chosen;
  const [name, ...others] = names;
  if (name === undefined || others.length > 0 || chosen.length > 1) {
    throw new CommandError(`error: name one object, such as ${kind ? kind.resource.singular : 'kind'}/NAME`);
  }
  return { kind: kind!, name };
}

/** What a person wrote as a time, in milliseconds. */
export function secondsOf(option: string, text: string): number {
  if (/^\d{1,7}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  throw new CommandError(`error: ${option}: expected a number of seconds, got "${text}"`);
}

/** For a command that only some kinds have. */
export function needs<Ability>(ability: Ability | undefined, kind: CliKind, what: string): Ability {
  if (ability !== undefined) return ability;
  throw new CommandError(`error: ${what} is not possible for ${kindName(kind.resource)}`);
}

function readPair(kinds: readonly CliKind[], word: string): { kind: CliKind; name: string } {
  const [kind = '', name = '', ...more] = word.split('/');
  if (name === '' || more.length > 0) throw new CommandError(`error: "${word}" is not kind/name`);
  return { kind: findKind(kinds, kind), name };
}

function namesOf({ plural, singular, shortNames, kind, group }: CliKind['resource']): string[] {
  const names = [plural, singular, kind.toLowerCase(), ...shortNames];
  return [...names, ...names.map((name) => `${name}.${group}`)];
}
