import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorOf, revisionOf, sampleClient } from '../../../../test/harness/sample-objects.ts';
import { mergePatch, mergePatchBetween } from '../resource/index.ts';
import type { JsonPatchOperation } from './index.ts';

async function withWebsite() {
  const made = sampleClient();
  const web = await made.websites.create({
    name: 'web',
    labels: { app: 'a', tier: 'front' },
    finalizers: ['demo.dev/f', 'demo.dev/g'],
    spec: { message: 'hello', replicas: 2, theme: { color: 'red' }, tags: ['x', 'y'] },
  });
  return { ...made, web };
}

describe('a merge patch', () => {
  it('sets, adds and takes away fields at any depth, and nothing else', async () => {
    const { websites } = await withWebsite();
    const next = await websites.patch('web', {
      metadata: { labels: { tier: null, env: 'test' } },
      spec: { replicas: 3, theme: { color: null }, tags: ['z'] },
    });
    expect(next.metadata.labels).toEqual({ app: 'a', env: 'test' });
    expect(next.spec).toEqual({ message: 'hello', replicas: 3, theme: {}, tags: ['z'] });
    expect(next.metadata.generation).toBe(2);
  });

  it('I-119: that changes nothing writes nothing', async () => {
    const { websites, web } = await withWebsite();
    expect(await websites.patch('web', { spec: { replicas: 2, theme: { color: 'red' } } })).toEqual(web);
  });

  it('I-128: is of the status only where it says so, and then of nothing else', async () => {
    const { websites, store } = await withWebsite();
    const patched = await websites.patch('web', { status: { ready: 1 } }, { subresource: 'status' });
    expect(patched).toMatchObject({ status: { ready: 1 }, metadata: { generation: 1 } });
    const before = await revisionOf(store);
    const both = { status: { ready: 2 }, spec: { replicas: 9 } };
    expect(await errorOf(websites.patch('web', both))).toMatchObject({ details: { path: 'status' } });
    expect(await errorOf(websites.patch('web', both, { subresource: 'status' }))).toMatchObject({
      details: { path: 'spec' },
    });
    const labels = { status: { ready: 2 }, metadata: { labels: { a: 'b' } } };
    expect(await errorOf(websites.patch('web', labels, { subresource: 'status' }))).toMatchObject({ code: 'Invalid' });
    expect(await revisionOf(store)).toBe(before);
  });

  it('is refused, with the path, for what no client decides and for what the schema refuses', async () => {
    const { websites, store } = await withWebsite();
    const before = await revisionOf(store);
    const refused: [patch: object, path: string][] = [
      [{ metadata: { uid: 'x' } }, 'metadata.uid'],
      [{ metadata: { name: 'other' } }, 'metadata.name'],
      [{ metadata: { generation: 7 } }, 'metadata.generation'],
      [{ metadata: { deletionTimestamp: 'now' } }, 'metadata.deletionTimestamp'],
      [{ metadata: { lables: {} } }, 'metadata.lables'],
      [{ metadata: { labels: { 'a b': 'c' } } }, 'metadata.labels'],
      [{ metadata: null }, 'metadata'],
      [{ kind: 'Other' }, 'kind'],
      [{ sepc: {} }, 'sepc'],
      [{ spec: null }, 'spec'],
      [{ spec: { replicas: -1 } }, 'spec.replicas'],
      [{ spec: { message: null } }, 'spec.message'],
      [{ spec: { replcas: 1 } }, 'spec.replcas'],
    ];
    for (const [patch, path] of refused) {
      expect(await errorOf(websites.patch('web', patch)), path).toMatchObject({ code: 'Invalid', details: { path } });
    }
    expect(await errorOf(websites.patch('web', [] as never))).toMatchObject({ code: 'Invalid' });
    expect(await errorOf(websites.patch('none', {}))).toMatchObject({ code: 'NotFound' });
    expect(await revisionOf(store)).toBe(before);
  });

  it('keeps to a uid and a version where asked to', async () => {
    const { websites, web } = await withWebsite();
    const { uid, resourceVersion } = web.metadata;
    await websites.patch('web', { spec: { replicas: 5 } }, { uid, resourceVersion });
    const late = await errorOf(websites.patch('web', { spec: { replicas: 6 } }, { resourceVersion }));
    expect(late).toMatchObject({ code: 'Conflict' });
    expect(await errorOf(websites.patch('web', {}, { uid: 'other' }))).toMatchObject({ code: 'Conflict' });
    expect((await websites.get('web')).spec.replicas).toBe(5);
  });

  it('does as the RFC says, and is found again between any two values', () => {
    const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
    const withoutNulls = json.map((value) => JSON.parse(JSON.stringify(value).replaceAll('null', '0')) as unknown);
    fc.assert(
      fc.property(withoutNulls, withoutNulls, (before, after) => {
        const patch = mergePatchBetween(before, after);
        expect(patch === undefined ? before : mergePatch(before, patch)).toEqual(after);
      }),
    );
    expect(mergePatch({ a: 'b', c: { d: 'e', f: 'g' } }, { a: 'z', c: { f: null } })).toEqual({
      a: 'z',
      c: { d: 'e' },
    });
    expect(mergePatch({ a: 'foo' }, null)).toBeNull();
    expect(mergePatch([1, 2], { a: 'b', c: null })).toEqual({ a: 'b' });
    expect(mergePatch({}, { a: { bb: { ccc: null } } })).toEqual({ a: { bb: {} } });
  });

  it('F-109: pollutes no prototype', async () => {
    const { websites } = await withWebsite();
    const patch = JSON.parse('{"spec":{"__proto__":{"polluted":1}}}') as object;
    expect(await errorOf(websites.patch('web', patch))).toMatchObject({ code: 'Invalid' });
    expect(mergePatch({}, patch)).not.toHaveProperty('polluted');
    for (const path of ['/spec/__proto__/polluted', '/constructor/prototype/polluted']) {
      const error = await errorOf(websites.patchJson('web', [{ op: 'add', path, value: 1 }]));
      expect(error).toMatchObject({ code: 'Invalid' });
    }
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('a JSON patch', () => {
  it('does all of its operations or none', async () => {
    const { websites, web } = await withWebsite();
    const next = await websites.patchJson('web', [
      { op: 'test', path: '/spec/replicas', value: 2 },
      { op: 'replace', path: '/spec/replicas', value: 3 },
      { op: 'add', path: '/spec/tags/-', value: 'z' },
      { op: 'move', from: '/metadata/labels/tier', path: '/metadata/labels/layer' },
      { op: 'copy', from: '/metadata/labels/app', path: '/metadata/labels/copied' },
      { op: 'remove', path: '/spec/theme' },
    ]);
    expect(next.spec).toEqual({ message: 'hello', replicas: 3, tags: ['x', 'y', 'z'] });
    expect(next.metadata.labels).toEqual({ app: 'a', layer: 'front', copied: 'a' });
    const failed = await errorOf(
      websites.patchJson('web', [
        { op: 'replace', path: '/spec/replicas', value: 9 },
        { op: 'test', path: '/spec/message', value: 'other' },
      ]),
    );
    expect(failed).toMatchObject({ code: 'Conflict', details: { path: 'patch[1]' } });
    expect(await websites.get('web')).toEqual(next);
    expect(next.metadata.uid).toBe(web.metadata.uid);
  });

  it('I-130: takes a finalizer away by its index only behind a test of what is there', async () => {
    const { websites } = await withWebsite();
    const remove: JsonPatchOperation = { op: 'remove', path: '/metadata/finalizers/0' };
    expect(await errorOf(websites.patchJson('web', [remove]))).toMatchObject({ code: 'Invalid' });
    const guarded: JsonPatchOperation[] = [{ op: 'test', path: '/metadata/finalizers/0', value: 'demo.dev/f' }, remove];
    expect((await websites.patchJson('web', guarded)).metadata.finalizers).toEqual(['demo.dev/g']);
    expect(await errorOf(websites.patchJson('web', guarded))).toMatchObject({ code: 'Conflict' });
    expect((await websites.get('web')).metadata.finalizers).toEqual(['demo.dev/g']);
  });

  it('refuses operations that make no sense, before or after reading, and writes nothing', async () => {
    const { websites, store } = await withWebsite();
    const before = await revisionOf(store);
    const refused: unknown[] = [
      'x',
      [{ op: 'jump', path: '/spec' }],
      [{ op: 'replace', path: 'spec', value: 1 }],
      [{ op: 'replace', path: '/spec/~2', value: 1 }],
      [{ op: 'move', path: '/spec/a' }],
      [{ op: 'remove', path: '/spec/nothing' }],
      [{ op: 'replace', path: '/spec/nothing/deeper', value: 1 }],
      [{ op: 'add', path: '/spec/replicas', value: -1 }],
      [{ op: 'add', path: '/spec/message', value: () => 1 }],
      [{ op: 'replace', path: '/metadata/uid', value: 'x' }],
      [{ op: 'remove', path: '/metadata' }],
      [null],
    ];
    for (const operations of refused) {
      const error = await errorOf(websites.patchJson('web', operations as JsonPatchOperation[]));
      expect(error, JSON.stringify(operations)).toMatchObject({ code: 'Invalid' });
    }
    expect(await revisionOf(store)).toBe(before);
  });
});
