import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isSetpointError } from '../errors/index.ts';
import { defineResource, keyPrefix, objectKey, parseObjectKey, parseStoreKey, storeKey } from './index.ts';

const names = { group: 'demo.dev', version: 'v1', spec: z.object({}) };
const Website = defineResource({ ...names, kind: 'Website', plural: 'websites' });
const Node = defineResource({ ...names, kind: 'Node', plural: 'nodes', scope: 'Cluster' });

const alphanumeric = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const label = (max: number) =>
  fc
    .tuple(
      fc.constantFrom(...alphanumeric),
      fc.array(fc.constantFrom(...alphanumeric, '-'), { maxLength: max - 2 }),
      fc.constantFrom(...alphanumeric),
    )
    .map(([start, middle, end]) => start + middle.join('') + end);
const namespace = label(63);
const name = fc.array(label(20), { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
/** Mostly names that an attacker would try. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '/',
    'a/b',
    '../x',
    'a/../b',
    '%2f',
    'a\0',
    ' a',
    'a ',
    'A',
    'a_b',
    '-a',
    'a-',
    'a..b',
  ),
  fc.constantFrom(
    '\u202eabc',
    'e\u0301',
    '\u00e9',
    'a\u2028',
    '\ufeffa',
    'a\n',
    'ａ',
    'a'.repeat(254),
    'a'.repeat(10_240),
  ),
  fc.array(fc.constantFrom('a', 'b', '-', '.', '/', 'A', 'é'), { maxLength: 8 }).map((letters) => letters.join('')),
);

function attempt<T>(work: () => T): T | 'refused' {
  try {
    return work();
  } catch (error) {
    if (isSetpointError(error, 'Invalid')) return 'refused';
    throw error;
  }
}

describe('keys', () => {
  it('I-113: decoding takes back what encoding made, for every valid name', () => {
    fc.assert(
      fc.property(namespace, name, (ns, n) => {
        const ref = { namespace: ns, name: n };
        expect(parseObjectKey(objectKey(ref))).toEqual(ref);
        const key = storeKey(Website, ref);
        expect(parseStoreKey(Website, key)).toEqual(ref);
        expect(parseStoreKey(Website, Buffer.from(key))).toEqual(ref);
        expect(parseStoreKey(Node, storeKey(Node, { name: n }, '/x/y'), '/x/y')).toEqual({ name: n });
      }),
    );
  });

  it('F-113: two different names never get one key, and none leaves its prefix', () => {
    const ref = fc.record({ namespace: fc.oneof(namespace, hostile), name: fc.oneof(name, hostile) });
    fc.assert(
      fc.property(ref, ref, (left, right) => {
        const keys = [left, right].map((one) => attempt(() => storeKey(Website, one)));
        const same = left.namespace === right.namespace && left.name === right.name;
        if (keys[0] === keys[1] && keys[0] !== 'refused') expect(same).toBe(true);
        for (const [index, key] of keys.entries()) {
          if (key === 'refused') continue;
          const { namespace: ns } = [left, right][index]!;
          expect(key.startsWith(`${keyPrefix(Website)}${ns}/`)).toBe(true);
          expect(key.split('/')).toHaveLength(5);
          expect(key).toMatch(/^[\x21-\x7e]+$/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('F-113: refuses every name that is not a DNS name', () => {
    const bad = [
      '',
      '.',
      '..',
      'a/b',
      '%2f',
      'a\0',
      ' a',
      'A',
      'a_b',
      '-a',
      'a-',
      'a..b',
      'é',
      'e\u0301',
      '\u202ea',
      'a\u2028',
    ];
    for (const one of [...bad, 'a'.repeat(254), 'a\n']) {
      expect(attempt(() => objectKey({ name: one }))).toBe('refused');
      expect(attempt(() => storeKey(Website, { namespace: 'default', name: one }))).toBe('refused');
      expect(attempt(() => storeKey(Website, { namespace: one, name: 'web' }))).toBe('refused');
    }
    expect(attempt(() => objectKey({ namespace: 'a.b', name: 'web' }))).toBe('refused');
    expect(attempt(() => objectKey({ namespace: 'a'.repeat(64), name: 'web' }))).toBe('refused');
    expect(objectKey({ namespace: 'a'.repeat(63), name: 'b'.repeat(253) })).toHaveLength(317);
  });

  it('F-112: reads keys as bytes: invalid UTF-8 is refused, and folds into no other key', () => {
    const good = Buffer.from(storeKey(Website, { namespace: 'default', name: 'web' }));
    for (const byte of [0x80, 0xc3, 0xff, 0x00]) {
      const bad = Buffer.concat([good, Uint8Array.of(byte)]);
      expect(attempt(() => parseStoreKey(Website, bad))).toBe('refused');
    }
  });

  it('F-114: refuses keys of other kinds, other depths and other prefixes', () => {
    const others = ['/registry/websites', '/registry/websites/', '/registry/websites/web', '/registry/websites/a/b/c'];
    for (const key of [...others, '/registry/websitesx/a/b', '/registry2/websites/a/b', '/registry/websites//b', '']) {
      expect(attempt(() => parseStoreKey(Website, key))).toBe('refused');
    }
    expect(attempt(() => parseStoreKey(Node, '/registry/nodes/a/b'))).toBe('refused');
    expect(attempt(() => storeKey(Node, { namespace: 'a', name: 'b' }))).toBe('refused');
    expect(attempt(() => storeKey(Website, { name: 'b' }))).toBe('refused');
  });

  it('F-114: a prefix has no empty, hidden or open end', () => {
    expect(keyPrefix(Website)).toBe('/registry/websites/');
    expect(keyPrefix(Website, '/a/b-c.d')).toBe('/a/b-c.d/websites/');
    for (const prefix of ['', '/', 'a', '/a/', '/a//b', '/..', '/.', '/a\xff']) {
      expect(attempt(() => keyPrefix(Website, prefix))).toBe('refused');
    }
  });

  it('names the bad name printably and cut short', () => {
    expect(() => objectKey({ name: `\u202e\n${'x'.repeat(500)}` })).toThrow(/^[\x20-\x7e]{0,400}$/);
  });
});
