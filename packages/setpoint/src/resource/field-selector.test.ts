import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FieldSelector, fieldSelector, type ResourceObject } from './index.ts';

const object = {
  apiVersion: 'demo.dev/v1',
  kind: 'Job',
  metadata: { name: 'a', namespace: 'default' },
  spec: { node: 'n1', retries: 3, dry: false, list: ['x'], empty: '', odd: 'a,b=c\\d' },
  status: { phase: 'Running' },
} as unknown as ResourceObject;

describe('a field selector', () => {
  it('compares texts, numbers and booleans at a path', () => {
    const selected = (selector: string | FieldSelector) => fieldSelector(selector)(object);
    expect(selected('metadata.name=a,spec.node==n1,status.phase!=Done')).toBe(true);
    expect(selected('spec.retries=3,spec.dry=false')).toBe(true);
    expect(selected({ 'spec.retries': 3, 'spec.dry': false })).toBe(true);
    expect(selected('spec.node=n2')).toBe(false);
    expect(selected('spec.empty=')).toBe(true);
    expect(selected('')).toBe(true);
  });

  it('finds nothing equal to what is absent, an object or a list', () => {
    expect(fieldSelector('spec.nothing=')(object)).toBe(false);
    expect(fieldSelector('spec.nothing!=x')(object)).toBe(true);
    expect(fieldSelector('spec.list=x')(object)).toBe(false);
    expect(fieldSelector('spec.constructor!=x')(object)).toBe(true);
  });

  it('reads commas, equal signs and backslashes in values behind a backslash', () => {
    expect(fieldSelector('spec.odd=a\\,b\\=c\\\\d,metadata.name=a')(object)).toBe(true);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ',', '=', '\\', '!', ' ', 'é', '😀', '\n') }), (value) => {
        fc.pre(value === value.trim());
        const text = `spec.value=${value.replaceAll(/[,=\\]/g, '\\$&')}`;
        expect(fieldSelector(text)({ ...object, spec: { value } })).toBe(true);
        expect(fieldSelector(text)({ ...object, spec: { value: `${value}.` } })).toBe(false);
      }),
    );
  });

  it('refuses what it can not read, with what it takes', () => {
    for (const text of ['spec', 'labels.a=b', 'spec.a', 'spec.a>1', '=x', 'a=b', 'spec..a=b', ',', 'spec.a=b,']) {
      expect(() => fieldSelector(text), text).toThrow(/Field selector/);
    }
    expect(() => fieldSelector({ 'spec.a': {} } as never)).toThrow(/text, number or boolean/);
  });
});
