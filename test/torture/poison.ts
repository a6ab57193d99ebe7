import type { Random } from 'setpoint/testing';

/** A key below a prefix and a value, one or both of which nobody should have written. */
export interface Poison {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The name itself is one that an object can have: a good value heals it. */
  readonly nameIsGood: boolean;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** A stored object as setpoint writes them. */
export function goodValue(name: string): Uint8Array {
  const metadata = {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return bytes(JSON.stringify({ apiVersion: 'torture.dev/v1', kind: 'Widget', metadata, spec: { size: 1 } }));
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Values that no kind's cache may take for an object of the name. */
const values: readonly ((random: Random, name: string) => string | Uint8Array)[] = [
  () => '',
  () => 'not JSON',
  (random, name) => Buffer.from(goodValue(name)).subarray(0, 1 + Math.floor(random.next() * 100)),
  (_, name) => `\uFEFF${Buffer.from(goodValue(name)).toString()}`,
  () => 'NaN',
  () => 'null',
  () => '[]',
  () => '"text"',
  () => '12345678901234567890',
  () => Uint8Array.of(0xff, 0xfe, 0x7b, 0x7d),
  (_, name) => Buffer.from(goodValue(name)).toString('latin1').replace('Widget', 'Wid\uDCFFget'),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('{', '{"__proto__":{"polluted":true},'),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('{', '{"constructor":{"prototype":{"polluted":true}},'),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('{', '{"\\u005f_proto__":{"polluted":true},'),
  (random) => nested(65 + Math.floor(random.next() * 20_000)),
  (random, name) =>
    Buffer.from(goodValue(name))
      .toString()
      .replace('{"size":1}', `{"deep":${nested(64 + Math.floor(random.next() * 5000))}}`),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('"generation":1', '"generation":9007199254740993'),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('Widget', 'Gadget'),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('/v1', '/v2'),
  (_, name) => Buffer.from(goodValue(`${name}-other`)),
  (_, name) => Buffer.from(goodValue(name)).toString().replace('"namespace":"default"', '"namespace":"other"'),
  (_, name) =>
    Buffer.from(goodValue(name))
      .toString()
      .replace(/"uid":"[^"]*"/, '"uid":7'),
  (_, name) =>
    Buffer.from(goodValue(name)).toString().replace('"metadata":{', '"metadata":[{').replace('},"spec"', '}],"spec"'),
  (random) => Uint8Array.from({ length: Math.floor(random.next() * 200) }, () => Math.floor(random.next() * 256)),
];

/** Names that leave their place, look like another, or are no names. `n` makes each its own. */
const names: readonly ((n: string) => string | Uint8Array)[] = [
  (n) => `default/../${n}`,
  (n) => `default/${n}/more`,
  (n) => `default/${n}\0`,
  (n) => `default/ ${n}`,
  (n) => `default/${n}%2f`,
  (n) => `default/\u202E${n}`,
  (n) => `default/e\u0301${n}`,
  (n) => `default/\u00e9${n}`,
  (n) => `default/${n}\u2028`,
  (n) => `default/${n.toUpperCase()}X`,
  (n) => `default/${n}${'x'.repeat(300)}`,
  (n) => `Default/${n}`,
  (n) => `/${n}`,
  (n) => n,
  (n) => `default-${n}/`,
  (n) => join(bytes(`default/${n}`), Uint8Array.of(0xc3, 0x28)),
  (n) => join(bytes(`default/${n}`), Uint8Array.of(0xed, 0xa0, 0x80)),
  (n) => `default/${n}\uFFFD`,
  (n) => `default/.${n}`,
  (n) => `default/${n}.`,
];

/** The poison with the number `at`: mostly bad values under good names, and good values under bad names. */
export function poison(prefix: string, at: number, random: Random): Poison {
  const name = `p${at}`;
  if (at % 4 > 0) {
    const value = values[at % values.length]!(random, name);
    return {
      key: bytes(`${prefix}default/${name}`),
      value: typeof value === 'string' ? Uint8Array.from(Buffer.from(value)) : Uint8Array.from(value),
      nameIsGood: true,
    };
  }
  const bad = names[(at / 4) % names.length]!(name);
  return {
    key: join(bytes(prefix), typeof bad === 'string' ? bytes(bad) : bad),
    value: goodValue(name),
    nameIsGood: false,
  };
}
