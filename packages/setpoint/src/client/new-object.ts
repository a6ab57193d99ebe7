import {
  type AnyResourceDefinition,
  invalid,
  isDnsSubdomain,
  kindOf,
  type ObjectMeta,
  type ObjectOf,
  quote,
  type Subject,
  timestamp,
} from '../resource/index.ts';
import type { Random } from '../internal/random.ts';
import type { CreateInput, ObjectInput } from './object-input.ts';
import type { Target } from './object-ref.ts';
import type { ObjectWriter } from './object-writer.ts';
import { revise } from './revise.ts';

/** An object that is about to be created, valid and with its defaults. Throws `Invalid`. */
export function newObject<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  target: Target,
  input: ObjectInput<Definition>,
): ObjectOf<Definition> {
  if (input.spec === undefined) throw invalid(target.subject, 'spec', 'an object', kindOf(input.spec));
  return revise(writer.definition, blankObject(writer, target), input, { subject: target.subject });
}

/** From nothing to the input is one change of the spec, so that validation and generation have one place. */
export function blankObject<Definition extends AnyResourceDefinition>(
  { definition, context }: ObjectWriter<Definition>,
  target: Target,
): ObjectOf<Definition> {
  const { apiVersion, kind } = definition;
  const metadata: ObjectMeta = {
    ...target.name,
    uid: context.random.uuid(),
    resourceVersion: '',
    generation: 0,
    creationTimestamp: timestamp(context.clock.wallNow()),
  };
  return { apiVersion, kind, metadata, spec: undefined } as ObjectOf<Definition>;
}

/** The input with its name, made up if need be. Throws `Invalid` when it has both. */
export function named<Definition>(
  input: CreateInput<Definition>,
  random: Random,
  subject: Subject,
): ObjectInput<Definition> {
  if (typeof input !== 'object' || input === null || !('generateName' in input)) return input;
  const { generateName, ...rest } = input;
  if (rest.name !== undefined) throw invalid(subject, 'generateName', 'either name or generateName', 'both');
  return { ...rest, name: generatedName(generateName, random, subject) };
}

/** Without vowels and what looks like another letter, so that no name spells anything: Kubernetes' own. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const NAME_MAX = 253;

/** `base` and five random characters: one of 14 million names. A long base is cut. */
function generatedName(base: unknown, random: Random, subject: Subject): string {
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => LETTERS[Math.floor(random.next() * LETTERS.length)]);
  const name = typeof base === 'string' ? base.slice(0, NAME_MAX - SUFFIX_LENGTH) + suffix.join('') : '';
  if (isDnsSubdomain(name)) return name;
  const came = typeof base === 'string' ? quote(base) : kindOf(base);
  throw invalid(subject, 'generateName', 'the beginning of a DNS name, such as "web-"', came);
}
