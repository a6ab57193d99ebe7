import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  clone,
  type Condition,
  controllerOf,
  deepEqual,
  deepFreeze,
  defineResource,
  findCondition,
  isConditionTrue,
  labelSelector,
  nearestName,
  ownerReferenceTo,
  removeCondition,
  type ResourceOptions,
  setCondition,
  setControllerReference,
  setOwnerReference,
  validateAnnotations,
  validateLabels,
  withFinalizer,
  withoutFinalizer,
} from './index.ts';

const options = { group: 'demo.dev', version: 'v1', kind: 'Website', plural: 'websites', spec: z.object({}) };

describe('defineResource', () => {
  it('gives plain, frozen data with its defaults', () => {
    const Website = defineResource({ ...options, shortNames: ['web'] });
    expect(Website).toMatchObject({
      apiVersion: 'demo.dev/v1',
      singular: 'website',
      scope: 'Namespaced',
      shortNames: ['web'],
    });
    expect(Object.isFrozen(Website)).toBe(true);
    expect(defineResource({ ...options, spec: v.object({}) }).specSchema).toBeDefined();
  });

  it('refuses bad names and schemas, and says which, what was expected and what came', () => {
    const bad: Partial<Record<keyof ResourceOptions<never, never>, readonly unknown[]>> = {
      group: ['', 'Demo', 'a b', undefined],
      version: ['1', 'v0', 'V1', 'v1gamma1', 'v1/x'],
      kind: ['website', '', 'Web-Site', undefined],
      plural: ['Websites', 'a/b', '', 'a.b', '..'],
      singular: ['A'],
      shortNames: [['A']],
      scope: ['namespaced'],
      spec: [undefined, {}, z],
      status: [{}, 5],
    };
    for (const [path, values] of Object.entries(bad)) {
      for (const value of values) {
        const one = { ...options, [path]: value };
        expect(() => defineResource(one)).toThrow(expect.objectContaining({ code: 'Invalid', details: { path } }));
      }
    }
    const misspelt = { ...options, pluarl: 'x' };
    expect(() => defineResource(misspelt)).toThrow(/pluarl.*Did you mean "plural"/);
  });
});

describe('conditions', () => {
  const at = Date.UTC(2026, 0, 1);
  const ready = { type: 'Ready', status: 'True', reason: 'Up', message: 'all up' } as const;

  it('I-132: setting the same again returns the same array', () => {
    const first = setCondition(undefined, ready, at);
    expect(first).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T00:00:00.000Z' }]);
    expect(setCondition(first, ready, at + 5_000)).toBe(first);
  });

  it('I-132: the transition time moves with the status alone', () => {
    const first = setCondition(undefined, ready, at);
    const reworded = setCondition(first, { ...ready, message: 'fine', observedGeneration: 2 }, at + 5_000);
    expect(reworded[0]).toMatchObject({ message: 'fine', lastTransitionTime: first[0]!.lastTransitionTime });
    const down = setCondition(reworded, { ...ready, status: 'False' }, at + 5_000);
    expect(down[0]!.lastTransitionTime).toBe('2026-01-01T00:00:05.000Z');
    expect(first[0]!.message).toBe('all up');
  });

  it('keeps the others and their order', () => {
    const two = setCondition(setCondition(undefined, ready, at), { ...ready, type: 'Synced' }, at);
    const next = setCondition(two, { ...ready, status: 'Unknown' }, at);
    expect(next.map(({ type, status }) => [type, status])).toEqual([
      ['Ready', 'Unknown'],
      ['Synced', 'True'],
    ]);
    expect(isConditionTrue(next, 'Synced')).toBe(true);
    expect(isConditionTrue(next, 'Ready')).toBe(false);
    expect(findCondition(removeCondition(next, 'Ready'), 'Ready')).toBeUndefined();
    const none: readonly Condition[] = [];
    expect(removeCondition(none, 'Ready')).toBe(none);
  });
});

describe('owner references', () => {
  const owner = (name: string, namespace?: string) => ({
    apiVersion: 'demo.dev/v1',
    kind: 'Website',
    metadata: { name, uid: `uid-${name}`, ...(namespace === undefined ? {} : { namespace }) },
  });

  it('I-131: an object has at most one controller', () => {
    const meta = { name: 'server', namespace: 'a' };
    const ownerReferences = setControllerReference(meta, owner('web', 'a'));
    expect(controllerOf({ ownerReferences })).toMatchObject({ name: 'web', uid: 'uid-web', controller: true });
    expect(setControllerReference({ ...meta, ownerReferences }, owner('web', 'a'))).toBe(ownerReferences);
    expect(() => setControllerReference({ ...meta, ownerReferences }, owner('other', 'a'))).toThrow(
      expect.objectContaining({ code: 'Conflict', message: expect.stringMatching(/Website "web" controls it/) }),
    );
  });

  it('takes further owners beside the controller, and an owner becomes controller in its place', () => {
    const shared = setOwnerReference(undefined, ownerReferenceTo(owner('web'), { controller: false }));
    expect(controllerOf({ ownerReferences: shared })).toBeUndefined();
    const both = setControllerReference({ name: 'x', ownerReferences: shared }, owner('other'));
    expect(both).toHaveLength(2);
    expect(setControllerReference({ name: 'x', ownerReferences: shared }, owner('web'))).toHaveLength(1);
  });

  it('an owner is in the same namespace, or in none', () => {
    expect(() => setControllerReference({ name: 'x', namespace: 'a' }, owner('web', 'b'))).toThrow(/namespace "b"/);
    expect(() => setControllerReference({ name: 'x' }, owner('web', 'b'))).toThrow(/namespace "b"/);
    expect(setControllerReference({ name: 'x', namespace: 'a' }, owner('web'))).toHaveLength(1);
  });
});

describe('finalizers', () => {
  it('are added and removed once, and the same list comes back when nothing changes', () => {
    const one = { finalizers: withFinalizer({}, 'a/b') };
    expect(one.finalizers).toEqual(['a/b']);
    expect(withFinalizer(one, 'a/b')).toBe(one.finalizers);
    expect(withoutFinalizer(one, 'c/d')).toBe(one.finalizers);
    expect(withoutFinalizer(one, 'a/b')).toEqual([]);
  });
});

describe('labels', () => {
  it("follow Kubernetes' rules", () => {
    expect(() => validateLabels({ 'demo.dev/app': 'a_B.c-1', short: '' })).not.toThrow();
    const bad: Record<string, string>[] = [
      { '': 'x' },
      { 'a b': 'x' },
      { '/x': 'x' },
      { 'A.dev/x': 'x' },
      { a: '-x' },
      { a: 'x'.repeat(64) },
      { ['k'.repeat(64)]: 'x' },
    ];
    for (const labels of bad) expect(() => validateLabels(labels)).toThrow(/metadata\.labels/);
    expect(() => validateLabels({ token: 'not a label: hunter2' })).toThrow(/^(?!.*hunter2)/);
    expect(() => validateAnnotations({ a: 'x'.repeat(256 * 1024) })).toThrow(/262144/);
  });

  it.each([
    ['app=web', [{ app: 'web' }], [{ app: 'db' }, {}, undefined]],
    ['app == web,tier!=db', [{ app: 'web' }, { app: 'web', tier: 'x' }], [{ app: 'web', tier: 'db' }]],
    ['env in (dev, test),!old', [{ env: 'dev' }, { env: 'test' }], [{ env: 'prod' }, { env: 'dev', old: '' }]],
    ['env notin (dev)', [{}, { env: 'x' }, undefined], [{ env: 'dev' }]],
    ['demo.dev/app', [{ 'demo.dev/app': '' }], [{}]],
    ['constructor', [{ constructor: 'x' }], [{}]],
    ['a=', [{ a: '' }], [{ a: 'x' }, {}]],
    ['', [{}, undefined, { a: 'b' }], []],
  ] as [string, (Record<string, string> | undefined)[], (Record<string, string> | undefined)[]][])(
    'the selector %j selects what it says',
    (selector, selected, left) => {
      const selects = labelSelector(selector);
      for (const labels of selected) expect(selects(labels)).toBe(true);
      for (const labels of left) expect(selects(labels)).toBe(false);
    },
  );

  it('a selector as an object means all of it', () => {
    const selects = labelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'Exists' },
        { key: 'env', operator: 'NotIn', values: ['prod'] },
      ],
    });
    expect(selects({ app: 'web', tier: 'x' })).toBe(true);
    expect(selects({ app: 'web', tier: 'x', env: 'prod' })).toBe(false);
    expect(selects({ app: 'web' })).toBe(false);
  });

  it('a selector that can not be read is refused', () => {
    for (const text of ['a=b=c', 'a in dev', 'a b', ',', 'a,', '=b', 'a in ()x', '!!a']) {
      expect(() => labelSelector(text)).toThrow(/Label selector/);
    }
    expect(() => labelSelector({ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] })).toThrow(/value/);
  });
});

describe('plain JSON values', () => {
  it('are equal when their JSON means the same, whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        expect(deepEqual(left, clone(left))).toBe(true);
        expect(deepEqual(left, JSON.parse(JSON.stringify(left)))).toBe(true);
        expect(deepEqual(left, right)).toBe(deepEqual(right, left));
        if (deepEqual(left, right)) expect(right).toEqual(left);
      }),
    );
    expect(deepEqual({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(deepEqual({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(deepEqual({ a: 1 }, { b: undefined, a: 1 })).toBe(true);
    expect(deepEqual({ a: undefined }, { b: 1 })).toBe(false);
    expect(deepEqual([], {})).toBe(false);
    expect(deepEqual([1, 2], [1])).toBe(false);
    expect(deepEqual({ constructor: 1 }, {})).toBe(false);
    expect(deepEqual({}, { toString: undefined })).toBe(true);
    expect(deepEqual(null, {})).toBe(false);
  });

  it('are frozen at every depth, also under what is frozen already, and their copies are not', () => {
    const value = deepFreeze(Object.freeze({ a: { b: [{ c: 1 }] } }));
    expect(() => ((value.a.b[0] as { c: number }).c = 2)).toThrow(TypeError);
    const copy = clone(value);
    copy.a.b[0]!.c = 2;
    expect(value.a.b[0]!.c).toBe(1);
  });
});

describe('nearestName', () => {
  it('finds what was meant, and nothing when nothing is near', () => {
    const fields = ['replicas', 'message', 'selector'];
    expect(nearestName('replcas', fields)).toBe('replicas');
    expect(nearestName('Message', fields)).toBe('message');
    expect(nearestName('mesasge', fields)).toBe('message');
    expect(nearestName('zzz', fields)).toBeUndefined();
    expect(nearestName('x', [])).toBeUndefined();
  });
});
