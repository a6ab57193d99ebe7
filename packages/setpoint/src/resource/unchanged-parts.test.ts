import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withUnchangedParts } from './unchanged-parts.ts';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('withUnchangedParts', () => {
  it('I-109: says what the newer value says, whatever the older one was, and leaves that as it was', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(json, json, fc.boolean(), (one, other, related) => {
        const before = copy(one);
        const next = copy(related ? { a: [one, other], b: one } : other);
        const older = related ? { a: [one, one], b: before } : before;
        const [newText, oldText] = [JSON.stringify(next), JSON.stringify(older)];
        expect(JSON.stringify(withUnchangedParts(next, older))).toBe(newText);
        expect(JSON.stringify(older)).toBe(oldText);
      }),
    );
  });

  it('takes what did not change from the older value, but for the outermost object', () => {
    const before = { spec: { message: 'long enough', list: [{ a: 1 }] }, status: { ready: 1, names: ['x', 'y'] } };
    const next = copy(before);
    next.status.ready = 2;
    const result = withUnchangedParts(next, before);
    expect(result).toBe(next);
    expect(result.spec).toBe(before.spec);
    expect(result.status).not.toBe(before.status);
    expect(result.status.names).toBe(before.status.names);
    expect(withUnchangedParts(copy(before), before)).not.toBe(before);
  });

  it('tells apart what looks alike', () => {
    const pairs: readonly (readonly [unknown, unknown])[] = [
      [[], {}],
      [{}, []],
      [{ a: 1 }, { a: 1, b: 2 }],
      [{ a: 1, b: 2 }, { a: 1 }],
      [{ a: -0 }, { a: 0 }],
      [{ toString: null }, {}],
      [new Date(1), new Date(2)],
      [[1, 2], [1]],
    ];
    for (const [next, before] of pairs) {
      const result = withUnchangedParts({ part: next }, { part: before });
      expect(result.part).toBe(next);
    }
    const frozen = Object.freeze({ text: 'x', inner: { a: 1 } });
    expect(withUnchangedParts({ part: frozen }, { part: { text: 'x', inner: { a: 1 } } }).part).toBe(frozen);
  });
});
