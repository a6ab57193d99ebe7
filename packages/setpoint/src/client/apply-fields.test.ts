import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drive, errorOf, sampleClient, type Website } from '../../../../test/harness/sample-objects.ts';
import { isSetpointError } from '../errors/index.ts';
import type { ObjectOf } from '../resource/index.ts';
import type { FieldsInput } from './index.ts';

type Fields = FieldsInput<typeof Website>;

describe('an apply of fields', () => {
  it('sets what its manager wants, takes away what it no longer wants, and leaves the rest alone', async () => {
    const { websites } = sampleClient();
    const apply = (manager: string, input: Omit<Fields, 'name'>) =>
      websites.applyFields({ name: 'web', ...input }, { manager });
    await apply('a', { labels: { app: 'a', tier: 'front' }, spec: { message: 'm', theme: { color: 'red' } } });
    await apply('b', { labels: { env: 'test' }, spec: { theme: { font: 'mono' }, replicas: 3 } });
    const next = await apply('a', { labels: { app: 'a' }, spec: { message: 'n' } });
    expect(next.metadata.labels).toEqual({ app: 'a', env: 'test' });
    expect(next.spec).toEqual({ message: 'n', replicas: 3, theme: { font: 'mono' } });
    expect(next.metadata.managedFields).toMatchObject([
      { manager: 'a', operation: 'Apply', fields: ['/metadata/labels/app', '/spec/message'] },
      { manager: 'b', operation: 'Apply', fields: ['/metadata/labels/env', '/spec/replicas', '/spec/theme/font'] },
    ]);
  });

  it('I-119: writes nothing the second time', async () => {
    const { websites } = sampleClient();
    const input: Fields = { name: 'web', labels: { a: 'b' }, finalizers: ['demo.dev/f'], spec: { message: 'm' } };
    const once = await websites.applyFields(input, { manager: 'a' });
    expect(await websites.applyFields(input, { manager: 'a' })).toEqual(once);
  });

  it('names the fields that somebody else owns with another value, and takes them over when forced', async () => {
    const { websites } = sampleClient();
    await websites.applyFields({ name: 'web', spec: { message: 'm', replicas: 2 } }, { manager: 'a' });
    const wanted: Fields = { name: 'web', spec: { message: 'other', replicas: 2 } };
    expect(await errorOf(websites.applyFields(wanted, { manager: 'b' }))).toMatchObject({
      code: 'Conflict',
      message: expect.stringMatching(/spec\.message \(of "a"\).*force/),
      details: { path: 'spec.message' },
    });
    const shared = await websites.applyFields(wanted, { manager: 'b', force: true });
    expect(shared.metadata.managedFields).toMatchObject([
      { manager: 'a', fields: ['/spec/replicas'] },
      { manager: 'b', fields: ['/spec/message', '/spec/replicas'] },
    ]);
    const left = await websites.applyFields({ name: 'web', spec: { message: 'other' } }, { manager: 'b' });
    expect(left.spec.replicas).toBe(2);
  });

  it('loses to an update the fields that it changes, and says so at the next apply', async () => {
    const { websites } = sampleClient();
    await websites.applyFields({ name: 'web', spec: { message: 'm', replicas: 2 } }, { manager: 'a' });
    const edited = await websites.patch('web', { spec: { replicas: 5 } }, { manager: 'kim' });
    expect(edited.metadata.managedFields).toMatchObject([
      { manager: 'a', operation: 'Apply', fields: ['/spec/message'] },
      { manager: 'kim', operation: 'Update', fields: ['/spec/replicas'] },
    ]);
    const again = websites.applyFields({ name: 'web', spec: { message: 'm', replicas: 2 } }, { manager: 'a' });
    expect(await errorOf(again)).toMatchObject({ code: 'Conflict', message: expect.stringContaining('"kim"') });
    expect((await websites.updateStatus(edited, { ready: 1 })).metadata.managedFields).toEqual(
      edited.metadata.managedFields,
    );
  });

  it('refuses what the schema refuses, and a manager that is none', async () => {
    const { websites, calls } = sampleClient();
    const bad: [Fields, string, string][] = [
      [{ name: 'web', spec: { message: 'm', replicas: -1 } }, 'a', 'spec.replicas'],
      [{ name: 'web', spec: { message: 'm', replcas: 1 } as never }, 'a', 'spec.replcas'],
      [{ name: 'web', spec: {} }, 'a', 'spec.message'],
      [{ name: 'web', spec: { message: 'm' } }, '', 'manager'],
      [{ name: 'web', spec: { message: 'm' } }, 'a b', 'manager'],
    ];
    for (const [input, manager, path] of bad) {
      expect(await errorOf(websites.applyFields(input, { manager })), path).toMatchObject({ details: { path } });
    }
    expect(calls.filter((call) => call === 'txn')).toEqual([]);
  });
});

/** The same rules, once more and as simply as can be: values and owners by field. */
class Model {
  values = new Map<string, unknown>();
  owners = new Map<string, Set<string>>();

  apply(manager: string, wanted: ReadonlyMap<string, unknown>, force: boolean): 'done' | 'conflict' {
    const clashes = [...wanted].filter(([field, value]) => {
      const others = [...(this.owners.get(field) ?? [])].filter((owner) => owner !== manager);
      return others.length > 0 && this.values.get(field) !== value;
    });
    if (clashes.length > 0 && !force) return 'conflict';
    for (const [field] of clashes) this.owners.set(field, new Set());
    for (const [field, owners] of this.owners) {
      if (wanted.has(field) || !owners.delete(manager) || owners.size > 0) continue;
      this.values.delete(field);
    }
    for (const [field, value] of wanted) {
      this.values.set(field, value);
      this.owners.set(field, new Set([...(this.owners.get(field) ?? []), manager]));
    }
    return 'done';
  }
}

const FIELDS = ['l:a', 'l:b', 'l:c', 's:color', 's:font', 's:tags', 'f:x', 'f:y'];
const MANAGERS = ['one', 'two', 'three'];

/** A set of fields as an input. */
function inputOf(wanted: ReadonlyMap<string, unknown>): Fields {
  const text = (field: string): string | undefined => wanted.get(field) as string | undefined;
  const labels = Object.fromEntries(
    ['a', 'b', 'c'].flatMap((l) => (wanted.has(`l:${l}`) ? [[l, text(`l:${l}`)!]] : [])),
  );
  const finalizers = ['x', 'y'].filter((f) => wanted.has(`f:${f}`)).map((f) => `demo.dev/${f}`);
  const theme = {
    ...(wanted.has('s:color') && { color: text('s:color') }),
    ...(wanted.has('s:font') && { font: text('s:font') }),
  };
  const tags = wanted.has('s:tags') ? { tags: [text('s:tags')!] } : {};
  return {
    name: 'web',
    labels,
    finalizers,
    spec: { ...(Object.keys(theme).length > 0 && { theme }), ...tags },
  };
}

function expectSame({ metadata, spec }: ObjectOf<typeof Website>, { values }: Model): void {
  expect(metadata.labels ?? {}).toEqual(inputOf(values).labels);
  expect([...(metadata.finalizers ?? [])].toSorted()).toEqual(inputOf(values).finalizers);
  expect(spec.theme?.color).toBe(values.get('s:color'));
  expect(spec.theme?.font).toBe(values.get('s:font'));
  expect(spec.tags?.[0]).toBe(values.get('s:tags'));
}

const step = fc.record({
  manager: fc.constantFrom(...MANAGERS),
  wanted: fc
    .array(fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom('1', '2')), { maxLength: 6 })
    .map((pairs) => new Map(pairs.map(([field, value]) => [field, field.startsWith('f:') ? 'there' : value]))),
  force: fc.boolean(),
});

describe('applies by three managers', () => {
  it('agree with a model of values and owners, one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { websites } = sampleClient();
        await websites.create({ name: 'web', spec: { message: 'base' } });
        const model = new Model();
        for (const { manager, wanted, force } of steps) {
          const expected = model.apply(manager, wanted, force);
          const answer = await websites.applyFields(inputOf(wanted), { manager, force }).then(
            () => 'done',
            (error: unknown) => (isSetpointError(error, 'Conflict') ? 'conflict' : String(error)),
          );
          expect(answer).toBe(expected);
          expectSame(await websites.get('web'), model);
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('I-116: agree with it all at once too, in the order of their revisions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const { websites, clock } = sampleClient();
        await websites.create({ name: 'web', spec: { message: 'base' } });
        const done: { readonly revision: bigint; readonly step: (typeof steps)[number] }[] = [];
        // Each manager applies its own steps in order, the three at the same time.
        const all = Promise.all(
          MANAGERS.map(async (manager) => {
            for (const each of steps.filter((one) => one.manager === manager)) {
              const options = { manager, force: each.force, attempts: 1000 };
              const answer = await websites.applyFields(inputOf(each.wanted), options).catch((error: unknown) => {
                if (!isSetpointError(error, 'Conflict')) throw error;
              });
              if (answer) done.push({ revision: BigInt(answer.metadata.resourceVersion), step: each });
            }
          }),
        );
        await drive(clock, all);
        const model = new Model();
        const inOrder = done.toSorted((left, right) => Number(left.revision - right.revision));
        for (const { step: each } of inOrder) expect(model.apply(each.manager, each.wanted, each.force)).toBe('done');
        expectSame(await websites.get('web'), model);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
