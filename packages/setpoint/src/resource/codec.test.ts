import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SetpointError } from '../errors/index.ts';
import { type AnyResourceDefinition, defineResource, jsonCodec, resourceCodec, textCodec } from './index.ts';

const names = { group: 'demo.dev', version: 'v1', kind: 'Website', plural: 'websites' };
const Website = defineResource({
  ...names,
  spec: z.object({
    replicas: z.int().min(0).max(50).default(1),
    message: z.string(),
    parts: z.array(z.object({ name: z.string(), size: z.int().default(1) })).optional(),
  }),
});
const KEY = '/registry/websites/default/web';
const METADATA = {
  name: 'web',
  namespace: 'default',
  uid: 'u-1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00.000Z',
};
const STORED = { apiVersion: 'demo.dev/v1', kind: 'Website', metadata: METADATA, spec: { message: 'hello' } };

const decode = (value: unknown, definition: AnyResourceDefinition = Website, key = KEY) =>
  resourceCodec(definition).decode({
    key: Buffer.from(key),
    value: value instanceof Uint8Array ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    modRevision: 42n,
  });

function refusal(value: unknown, definition?: AnyResourceDefinition, key?: string): SetpointError {
  try {
    decode(value, definition, key);
  } catch (error) {
    if (error instanceof SetpointError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('encoding', () => {
  it('I-115: leaves out the resourceVersion, and decoding fills it in from the revision', () => {
    const object = decode(STORED);
    expect(object.metadata.resourceVersion).toBe('42');
    const text = Buffer.from(resourceCodec(Website).encode(object)).toString();
    expect(text).not.toContain('resourceVersion');
    expect(object.metadata.resourceVersion).toBe('42');
  });

  it('gives the bytes again that a decoded object came from, so that the two can be compared', () => {
    const bytes = resourceCodec(Website).encode(
      decode({ ...STORED, extra: [1, { b: 1, a: 2 }], status: { ready: 1 } }),
    );
    expect(Buffer.from(resourceCodec(Website).encode(decode(bytes)))).toEqual(Buffer.from(bytes));
  });
});

describe('decoding', () => {
  it('fills in the defaults of the schema, at every depth', () => {
    const { spec } = decode({ ...STORED, spec: { message: 'x', parts: [{ name: 'a' }, { name: 'b', size: 3 }] } });
    expect(spec).toEqual({
      message: 'x',
      replicas: 1,
      parts: [
        { name: 'a', size: 1 },
        { name: 'b', size: 3 },
      ],
    });
  });

  it('F-116: keeps every field that nobody knows', () => {
    const unknown = { color: 'red', deep: { a: [1, { b: null }] } };
    const object = decode({
      ...STORED,
      future: true,
      metadata: { ...METADATA, managedBy: 'x' },
      spec: { message: 'x', ...unknown, parts: [{ name: 'a', weight: 5 }] },
      status: { anything: [1] },
    });
    expect(object).toMatchObject({
      future: true,
      metadata: { managedBy: 'x' },
      spec: { ...unknown, parts: [{ name: 'a', size: 1, weight: 5 }] },
      status: { anything: [1] },
    });
  });

  it('F-108: refuses what is no JSON, and says in which way', () => {
    const kinds: readonly (readonly [unknown, RegExp])[] = [
      ['', /got an empty value/],
      ['hello', /got text that is not JSON/],
      [JSON.stringify(STORED).slice(0, -3), /got JSON that is cut short/],
      ['{"a":"b', /got JSON that is cut short/],
      [`\uFEFF${JSON.stringify(STORED)}`, /byte order mark/],
      [JSON.stringify(STORED).replace('"hello"', 'NaN'), /got text that is not JSON/],
      ['[]', /expected an object, got an array/],
      ['null', /expected an object, got null/],
      ['"x"', /expected an object, got a string/],
    ];
    for (const [value, message] of kinds) {
      const error = refusal(value);
      expect(error.message).toMatch(message);
      expect(error.message).toMatch(/^Invalid: Website stored at \/registry\/websites\/default\/web: /);
      expect(error).toMatchObject({ code: 'Invalid', details: { key: KEY, revision: 42n, path: 'value' } });
    }
  });

  it('F-109: refuses names that pollute prototypes, also when they are spelt with escapes', () => {
    const hostile = [
      '{"__proto__":{"polluted":1},"message":"x"}',
      '{"message":"x","deep":[{"__proto__":null}]}',
      '{"message":"x","\\u005f_proto__":{"polluted":1}}',
      '{"message":"x","constructor":{"prototype":{"polluted":1}}}',
      '{"message":"x","a":{"const\\u0072uctor":{"prototype":{}}}}',
    ];
    for (const spec of hostile) {
      const error = refusal(JSON.stringify(STORED).replace('{"message":"hello"}', spec));
      expect(error.message).toMatch(/prototype of objects/);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const harmless = decode({ ...STORED, spec: { message: '__proto__ \u0007 constructor', constructor: 'Ferrari' } });
    expect(harmless.spec).toMatchObject({ constructor: 'Ferrari' });
  });

  it('F-110: refuses deep nesting before anything recursive sees it', () => {
    const nested = (levels: number) =>
      JSON.stringify(STORED).replace('"hello"', `"x","d":${'['.repeat(levels)}${']'.repeat(levels)}`);
    for (const levels of [63, 10_000, 700_000]) {
      expect(refusal(nested(levels))).toMatchObject({ code: 'Invalid', message: expect.stringMatching(/64 levels/) });
    }
    expect(decode(nested(62)).spec).toHaveProperty('d');
    const inString = { ...STORED, spec: { message: `${'['.repeat(500)}\\"${'{'.repeat(500)}` } };
    expect(decode(inString).spec.message).toHaveLength(1_002);
  });

  it('F-111: refuses integers that would be rounded, and takes every number that is exact', () => {
    const withNumber = (number: string) => JSON.stringify(STORED).replace('"hello"', `"x","n":${number}`);
    for (const number of ['9007199254740993', '-9007199254740993', '123456789012345678901234567890']) {
      expect(refusal(withNumber(number)).message).toMatch(/2\^53/);
    }
    for (const number of ['9007199254740991', '0.12345678901234567890', '1e300', '-1.5e-10']) {
      expect(decode(withNumber(number)).spec).toHaveProperty('n', Number(number));
    }
    expect(decode({ ...STORED, spec: { message: '12345678901234567890' } }).spec.message).toHaveLength(20);
  });

  it('F-112: refuses bytes that are not UTF-8', () => {
    const good = Buffer.from(JSON.stringify(STORED));
    const bad = Buffer.from(good);
    bad[bad.indexOf('hello')] = 0xff;
    expect(refusal(bad).message).toMatch(/not UTF-8/);
    expect(() => textCodec.decode({ key: Buffer.from('k'), value: Uint8Array.of(0xff), modRevision: 1n })).toThrow(
      /UTF-8/,
    );
  });

  it('F-115: the key wins over what the value says of itself', () => {
    const changes: readonly (readonly [object, string])[] = [
      [{ kind: 'Other' }, 'kind'],
      [{ apiVersion: 'demo.dev/v2' }, 'apiVersion'],
      [{ metadata: { ...METADATA, name: 'other' } }, 'metadata.name'],
      [{ metadata: { ...METADATA, namespace: 'other' } }, 'metadata.namespace'],
      [{ metadata: { ...METADATA, namespace: undefined } }, 'metadata.namespace'],
    ];
    for (const [change, path] of changes) expect(refusal({ ...STORED, ...change }).details.path).toBe(path);
    expect(refusal(STORED, Website, '/registry/websites/default/a/b').details.path).toBe('key');
    const Cluster = defineResource({ ...names, scope: 'Cluster', spec: z.object({}) });
    expect(refusal(STORED, Cluster, '/registry/websites/web').details.path).toBe('metadata.namespace');
  });

  it('F-116: refuses metadata that the library could not work with, by its path', () => {
    const changes: readonly (readonly [object, string])[] = [
      [{ uid: undefined }, 'metadata.uid'],
      [{ uid: '' }, 'metadata.uid'],
      [{ generation: '1' }, 'metadata.generation'],
      [{ creationTimestamp: 5 }, 'metadata.creationTimestamp'],
      [{ deletionTimestamp: null }, 'metadata.deletionTimestamp'],
      [{ labels: { a: 1 } }, 'metadata.labels[a]'],
      [{ annotations: [] }, 'metadata.annotations'],
      [{ finalizers: 'x' }, 'metadata.finalizers'],
      [{ finalizers: [1] }, 'metadata.finalizers'],
      [{ ownerReferences: [{ kind: 'X' }] }, 'metadata.ownerReferences[0].apiVersion'],
    ];
    for (const [change, path] of changes) {
      expect(refusal({ ...STORED, metadata: { ...METADATA, ...change } }).details.path).toBe(path);
    }
    expect(refusal({ ...STORED, metadata: [] }).details.path).toBe('metadata');
    expect(refusal({ ...STORED, status: 'x' }).details.path).toBe('status');
    expect(refusal({ ...STORED, status: { conditions: {} } }).details.path).toBe('status.conditions');
  });

  it('F-116: refuses a spec that breaks the schema, with the path and the kind of thing that came', () => {
    const error = refusal({ ...STORED, spec: { message: 5, parts: [{}], replicas: 99 } });
    expect(error.details.path).toBe('spec.replicas');
    expect(error.message).toMatch(/spec\.message: .*\(got a number\); spec\.parts\[0\]\.name: .*\(got nothing\)/);
    expect(error.message).toMatch(/delete the key/);
    expect(refusal({ ...STORED, spec: undefined }).message).toMatch(/spec: .*got nothing/);
  });

  it('E1: never quotes what it read, in whatever way it is wrong', () => {
    const secret = 'hunter2-secret';
    const Valibot = defineResource({ ...names, spec: v.object({ n: v.number(), e: v.pipe(v.string(), v.email()) }) });
    const Thrower = defineResource({
      ...names,
      spec: z.object({ message: z.string() }).transform((value) => {
        throw new Error(value.message);
      }),
    });
    const errors = [
      refusal(`{"${secret}`),
      refusal(secret),
      refusal({ ...STORED, spec: { n: secret, e: secret } }, Valibot),
      refusal({ ...STORED, spec: { message: secret } }, Thrower),
      refusal({ ...STORED, spec: secret }),
      refusal({ ...STORED, kind: secret }),
    ];
    for (const error of errors) {
      expect(`${error.message}${error.stack}${JSON.stringify(error.details, (_, x) => String(x))}`).not.toContain(
        secret,
      );
      expect(error.cause).toBeUndefined();
    }
    const short = refusal({ ...STORED, spec: { n: 'ab', e: 7 } }, Valibot);
    expect(short.message).not.toContain('"ab"');
  });

  it('refuses an asynchronous schema, and what becomes of its promise harms nobody', () => {
    const validate = () => Promise.reject(new Error('late'));
    const Slow = defineResource({ ...names, spec: { '~standard': { version: 1, vendor: 'test', validate } } });
    expect(refusal(STORED, Slow).message).toMatch(/schema is asynchronous/);
    const Refined = defineResource({ ...names, spec: z.object({}).refine(() => Promise.resolve(true)) });
    expect(refusal(STORED, Refined).message).toMatch(/schema is asynchronous/);
  });

  it('P1: never throws anything but Invalid, whatever the bytes', () => {
    const codec = resourceCodec(Website);
    const good = Buffer.from(JSON.stringify({ ...STORED, status: { conditions: [] } }));
    const mutated = fc
      .tuple(fc.nat(good.length - 1), fc.uint8Array({ maxLength: 4 }), fc.nat(4))
      .map(([at, put, cut]) => Buffer.concat([good.subarray(0, at), put, good.subarray(at + cut)]));
    const json = fc
      .json()
      .map((text) => Buffer.from(JSON.stringify(STORED).replace('"hello"', text.replaceAll('$', ''))));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated, json), (value) => {
        try {
          const object = codec.decode({ key: Buffer.from(KEY), value, modRevision: 1n });
          expect(object.metadata.name).toBe('web');
        } catch (error) {
          expect(error).toMatchObject({ code: 'Invalid' });
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('plain codecs', () => {
  it('carry text and JSON unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 }), (text, json) => {
        const stored = (value: Uint8Array) => ({ key: Buffer.from('k'), value, modRevision: 1n });
        expect(textCodec.decode(stored(textCodec.encode(text)))).toBe(text);
        const plain: unknown = JSON.parse(JSON.stringify(json));
        if (/__proto__|constructor|\d{16}/.test(JSON.stringify(json))) return;
        expect(jsonCodec.decode(stored(jsonCodec.encode(json)))).toEqual(plain);
      }),
    );
  });
});
