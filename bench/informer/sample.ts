/** What all contestants cache: objects of about 1 KiB, each with a name, a few labels and a message. */
export const PREFIX = '/bench/widgets/';
export const VALUE_BYTES = 1024;
/** How many values the index has. */
export const APPS = 100;
const NAMESPACES = 50;
/** Revisions from here on take four bytes each, so that every object has the same length on the wire. */
export const FIRST_REVISION = 2_100_000;
export const FIRST_EVENT_REVISION = 10_000_000;
const NAME_DIGITS = 8;
const REVISION_DIGITS = 9;
/** A text with places in it whose digits are written anew for each object: nothing is serialised while anybody waits. */
export class Template {
  readonly bytes: Buffer;
  readonly #places: readonly { readonly at: number; readonly digits: number }[];
  /** `#` stands for a digit; each run of them is one place. */
  constructor(text: string) {
    this.bytes = Buffer.from(text.replaceAll('#', '0'));
    this.#places = [...text.matchAll(/#+/g)].map((match) => ({ at: match.index, digits: match[0].length }));
  }
  /** Writes the text with these numbers in its places. */
  write(target: Buffer, at: number, numbers: readonly number[]): void {
    this.bytes.copy(target, at);
    for (const [index, place] of this.#places.entries()) {
      let rest = numbers[index]!;
      for (let digit = place.digits - 1; digit >= 0; digit--) {
        target[at + place.at + digit] = 48 + (rest % 10);
        rest = Math.floor(rest / 10);
      }
    }
  }
}
/** The object as Kubernetes serves it, with its resourceVersion, or as etcd holds it, without. */
export function objectTemplate(withVersion: boolean): Template {
  const name = `"name":"widget-${'#'.repeat(NAME_DIGITS)}","namespace":"team-##"`;
  const version = withVersion ? `"resourceVersion":"${'#'.repeat(REVISION_DIGITS)}",` : '';
  const metadata =
    `{${name},${version}"uid":"0b7c6b5e-3f4e-4c33-9d1c-${'#'.repeat(12)}","generation":1,` +
    `"creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":"app-##","tier":"backend"}}`;
  const head = `{"apiVersion":"bench.dev/v1","kind":"Widget","metadata":${metadata},"spec":{"replicas":3,"message":"`;
  const tail = `","turn":1${'#'.repeat(NAME_DIGITS)}},"status":{"ready":3,"conditions":[]}}`;
  const plain = head.length + tail.length - (withVersion ? version.length : 0);
  return new Template(`${head}${'x'.repeat(VALUE_BYTES - plain)}${tail}`);
}
/** The numbers of the object, in the order of its places. */
export function numbersOf(index: number, keys: number, turn: number, version?: number): readonly number[] {
  const uid = index;
  const rest = [uid, index % APPS, turn];
  return version === undefined
    ? [index, namespaceOf(index, keys), ...rest]
    : [index, namespaceOf(index, keys), version, ...rest];
}
/** Namespaces are filled one after the other, so that the order of indexes is the order of keys. */
export function namespaceOf(index: number, keys: number): number {
  return Math.floor(index / Math.ceil(keys / NAMESPACES));
}
export const keyTemplate = (): Template => new Template(`${PREFIX}team-##/widget-${'#'.repeat(NAME_DIGITS)}`);
/** Which object the event is about: all in turn, spread over the whole cache. */
export function changedIndex(event: number, keys: number): number {
  return (event * 7919) % keys;
}
