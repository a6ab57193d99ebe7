import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineResource, validateSpec, validateStatus } from './index.ts';

const names = { group: 'demo.dev', version: 'v1', kind: 'Website', plural: 'websites' };
const Website = defineResource({
  ...names,
  spec: z.object({
    replicas: z.int().default(1),
    message: z.string(),
    template: z
      .object({ labels: z.record(z.string(), z.string()), ports: z.array(z.object({ number: z.int() })) })
      .optional(),
  }),
  status: z.object({ ready: z.int() }),
});
const anySpec = (spec: unknown) => validateSpec(Website, spec);

describe('a spec that is to be written', () => {
  it('comes back with its defaults, and shares nothing with the input', () => {
    const input = { message: 'x', template: { labels: { any: 'thing' }, ports: [{ number: 1 }] } };
    const spec = validateSpec(Website, input);
    expect(spec).toEqual({ ...input, replicas: 1 });
    expect(spec.template).not.toBe(input.template);
    expect(spec.template?.ports).not.toBe(input.template.ports);
  });

  it('has no field that the schema does not know, and the error names the nearest one', () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [{ message: 'x', replcas: 2 }, /spec\.replcas: .*Did you mean "replicas"\?/],
      [{ message: 'x', template: { label: {}, labels: {}, ports: [] } }, /spec\.template\.label: .*"labels"/],
      [{ message: 'x', template: { labels: {}, ports: [{ number: 1, nubmer: 2 }] } }, /ports\[0\]\.nubmer: .*"number"/],
      [{ message: 'x', zzzzzz: 2 }, /spec\.zzzzzz: .*It has "replicas", "message", "template"\./],
    ];
    for (const [spec, message] of cases) expect(() => anySpec(spec)).toThrow(message);
  });

  it('has none either when the schema library has no JSON Schema', () => {
    const Plain = defineResource({ ...names, spec: v.object({ message: v.string() }) });
    expect(validateSpec(Plain, { message: 'x' })).toEqual({ message: 'x' });
    expect(() => validateSpec(Plain, { message: 'x', mesage: 'y' })).toThrow(/spec\.mesage: .*"message"/);
    const Loose = defineResource({ ...names, spec: v.looseObject({ message: v.string() }) });
    expect(validateSpec(Loose, { message: 'x', other: 1 })).toEqual({ message: 'x', other: 1 });
  });

  it('F-116: keeps an unknown field as it is stored, wherever it moved within its list', () => {
    const stored = {
      message: 'x',
      color: 'red',
      template: { labels: {}, ports: [{ number: 1 }, { number: 2, name: 'web' }] },
    };
    const input = { ...stored, message: 'y', template: { labels: {}, ports: [{ number: 2, name: 'web' }] } };
    expect(validateSpec(Website, input, { stored })).toEqual({ ...input, replicas: 1 });
    expect(() => validateSpec(Website, { ...input, color: 'blue' }, { stored })).toThrow(/spec\.color/);
    const fresh = { message: 'z' };
    expect(validateSpec(Website, fresh, { stored, keepUnknown: true })).toEqual({
      message: 'z',
      replicas: 1,
      color: 'red',
    });
    expect(validateSpec(Website, fresh, { stored })).toEqual({ message: 'z', replicas: 1 });
  });

  it('holds JSON and nothing else: what would come back changed is refused by its path', () => {
    const Any = defineResource({ ...names, spec: z.looseObject({}) });
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    class Point {}
    const values = [
      NaN,
      Infinity,
      2 ** 53,
      1n,
      Symbol('x'),
      () => {},
      new Date(0),
      new Map(),
      new Point(),
      [undefined],
      cyclic,
    ];
    for (const value of values) {
      expect(() => validateSpec(Any, { a: { b: value } })).toThrow(
        expect.objectContaining({ code: 'Invalid', details: { path: expect.stringMatching(/^spec\.a\.b/) } }),
      );
    }
    expect(() => validateSpec(Any, JSON.parse('{"__proto__":{"x":1}}'))).toThrow(/__proto__/);
    expect(validateSpec(Any, { a: undefined, b: -0, c: null })).toEqual({ b: 0, c: null });
  });

  it('F-110: is as deep as can be read back, and no deeper', () => {
    const Any = defineResource({ ...names, spec: z.looseObject({}) });
    const nested = (levels: number): unknown => (levels === 0 ? [] : [nested(levels - 1)]);
    expect(() => validateSpec(Any, { a: nested(61) })).not.toThrow();
    expect(() => validateSpec(Any, { a: nested(62) })).toThrow(/64 levels/);
  });

  it('is refused when the schema could not read back what it made', () => {
    const Date_ = defineResource({ ...names, spec: z.object({ at: z.coerce.date() }) });
    expect(() => validateSpec(Date_, { at: '2026-01-01' })).toThrow(/spec\.at: expected JSON .*Date/);
    const Length = defineResource({ ...names, spec: z.object({ n: z.string().transform((text) => text.length) }) });
    expect(() => validateSpec(Length, { n: 'abc' })).toThrow(/read back/);
    const Growing = defineResource({ ...names, spec: z.object({ n: z.int().transform((n) => n + 1) }) });
    expect(() => validateSpec(Growing, { n: 1 })).toThrow(/read back/);
    const Trimmed = defineResource({ ...names, spec: z.object({ n: z.string().trim() }) });
    expect(validateSpec(Trimmed, { n: ' abc ' })).toEqual({ n: 'abc' });
  });

  it('is refused when it is no object', () => {
    for (const spec of [undefined, null, 'x', [], 5]) expect(() => anySpec(spec)).toThrow(/Invalid/);
  });
});

describe('a status that is to be written', () => {
  const condition = { type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: 'x' } as const;

  it("keeps conditions and observedGeneration apart from the schema's fields", () => {
    const status = { ready: 1, observedGeneration: 3, conditions: [condition] };
    expect(validateStatus(Website, status)).toEqual(status);
    expect(() => validateStatus(Website, { ...status, redy: 1 })).toThrow(/status\.redy: .*"ready"/);
    expect(() => validateStatus(Website, { ready: 'x' })).toThrow(/status\.ready/);
  });

  it('has well-formed conditions of distinct types', () => {
    const bad: unknown[] = [
      {},
      [5],
      [{ ...condition, status: true }],
      [{ ...condition, status: 'Maybe' }],
      [condition, condition],
    ];
    for (const conditions of bad) expect(() => validateStatus(Website, { ready: 1, conditions })).toThrow(/conditions/);
    expect(() => validateStatus(Website, { ready: 1, observedGeneration: 1.5 })).toThrow(/observedGeneration/);
  });

  it('is conditions and observedGeneration alone when the kind has no status schema', () => {
    const Bare = defineResource({ ...names, spec: z.object({}) });
    expect(validateStatus(Bare, { conditions: [condition] })).toEqual({ conditions: [condition] });
    expect(() => validateStatus(Bare, { ready: 1 })).toThrow(/status\.ready: .*no status schema/);
  });
});
