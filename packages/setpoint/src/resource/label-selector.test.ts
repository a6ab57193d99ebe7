import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LabelRequirement, labelSelector, parseLabelSelector } from './index.ts';

const KEYS = ['app', 'tier', 'demo.dev/env'] as const;
const VALUES = ['web', 'db', 'a.b_c-D', '1'] as const;

const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1 }),
  }),
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
  }),
);
const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { noNullPrototype: true });

/** A requirement in Kubernetes' words, in one of the ways to write it. */
function written({ key, operator, values = [] }: LabelRequirement, short: boolean): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  if (short && values.length === 1) return `${key}${operator === 'In' ? '=' : '!='}${values[0]}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(', ')})`;
}

/** What a requirement says, told apart from the code under test. */
function holds({ key, operator, values = [] }: LabelRequirement, on: Readonly<Record<string, string>>): boolean {
  const value = on[key];
  if (operator === 'Exists' || operator === 'DoesNotExist') return (value !== undefined) === (operator === 'Exists');
  return (value !== undefined && values.includes(value)) === (operator === 'In');
}

describe('a label selector given as an object', () => {
  // Each of these once selected everything, or everything without the label: no good thing to hand to deleteCollection.
  it.each([
    ['labels without matchLabels', { app: 'web' }, /labelSelector\.app.*matchLabels/],
    ['a misspelt field', { matchLabel: { app: 'web' } }, /matchLabel: .*Did you mean "matchLabels"/],
    ['a label that must have no value', { matchLabels: { app: undefined } }, /app: expected a text, got nothing/],
    ['a value that no label has', { matchLabels: { app: 1 } }, /app: expected a text, got a number/],
    ['labels as text', { matchLabels: 'app=web' }, /matchLabels: expected an object, got a string/],
    ['one requirement, in no list', { matchExpressions: { key: 'app', operator: 'Exists' } }, /matchExpressions/],
    ['no requirement', { matchExpressions: [undefined] }, /matchExpressions\[0\]: expected .*got nothing/],
    ['values as text', { matchExpressions: [{ key: 'app', operator: 'In', values: 'web' }] }, /app: expected at least/],
    [
      'a value that is none',
      { matchExpressions: [{ key: 'app', operator: 'In', values: [undefined] }] },
      /app: expected a text/,
    ],
  ])('is refused with %s', (_what, selector, message) => {
    const read = () => labelSelector(selector as never);
    expect(read).toThrow(expect.objectContaining({ code: 'Invalid' }));
    expect(read).toThrow(message);
  });
});

describe('any label selector', () => {
  it('comes back from its text, and selects by text and by object what each of its requirements says', () =>
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), fc.boolean(), labels, (matchExpressions, short, on) => {
        const text = matchExpressions.map((each) => written(each, short)).join(',');
        const read = parseLabelSelector(text);
        expect(read).toEqual(matchExpressions.length === 0 ? {} : { matchExpressions });
        const expected = matchExpressions.every((each) => holds(each, on));
        expect([labelSelector(text)(on), labelSelector({ matchExpressions })(on)]).toEqual([expected, expected]);
      }),
    ));

  it('is read or refused with Invalid, whatever the text', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z=!(), ]{0,20}$/)), (text) => {
        try {
          labelSelector(text)({});
        } catch (error) {
          expect(error).toMatchObject({ code: 'Invalid' });
        }
      }),
    ));
});
