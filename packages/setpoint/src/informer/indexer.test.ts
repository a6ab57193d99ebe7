import { describe, expect, it } from 'vitest';
import type { SetpointError } from '../errors/index.ts';
import { Indexer } from './indexer.ts';
import { type Entry, readOnly } from './lister.ts';
import { namespaceIndex } from './object-indexes.ts';
import { NOWHERE, type Placement, ValueIndex } from './value-index.ts';

interface Server {
  readonly owner: string;
  readonly ports?: readonly string[];
}

const entry = (key: string, object: Server, modRevision = 1n): Entry<Server> => ({
  key,
  object,
  createRevision: 1n,
  modRevision,
});
const byOwner = (server: Server): string[] => [server.owner];
const byPort = (server: Server): readonly string[] => server.ports ?? [];

describe('Indexer', () => {
  it('I-107: indexes what is cached before addIndex returns', () => {
    const cache = new Indexer<Server>();
    cache.set(entry('a', { owner: 'x' }));
    cache.addIndex('owner', byOwner);
    expect(cache.byIndex('owner', 'x')).toEqual([{ owner: 'x' }]);
  });

  it('I-107: refuses a second index of one name', () => {
    const cache = new Indexer<Server>({ indexes: { owner: byOwner } });
    expect(() => cache.addIndex('owner', byPort)).toThrow(/AlreadyExists/);
  });

  it('I-107: finds an object with several values under each of them, and once', () => {
    const cache = new Indexer<Server>({ indexes: { port: byPort } });
    cache.set(entry('a', { owner: 'x', ports: ['80', '81', '80'] }));
    expect(cache.byIndex('port', '80')).toHaveLength(1);
    expect(cache.byIndex('port', '81')).toHaveLength(1);
    expect(cache.byIndex('port', '82')).toEqual([]);
  });

  it('I-107: moves an object whose value changed, and takes a deleted one out', () => {
    const cache = new Indexer<Server>({ indexes: { owner: byOwner } });
    cache.set(entry('a', { owner: 'x' }));
    cache.set(entry('a', { owner: 'y' }, 2n));
    expect(cache.byIndex('owner', 'x')).toEqual([]);
    expect(cache.byIndex('owner', 'y')).toEqual([{ owner: 'y' }]);
    expect(cache.delete('a')?.modRevision).toBe(2n);
    expect(cache.byIndex('owner', 'y')).toEqual([]);
  });

  it('I-107: keeps no empty bucket', () => {
    const index = new ValueIndex<Server>('owner', byOwner, () => {});
    let placement: Placement = NOWHERE;
    for (let at = 0; at < 100; at++) placement = index.place(entry('a', { owner: `owner-${at}` }), placement);
    expect(index.bucketCount).toBe(1);
    index.remove('a', placement);
    expect(index.bucketCount).toBe(0);
  });

  it('I-107: files by what the function said then, also when it says something else later', () => {
    let owner = 'x';
    const cache = new Indexer<Server>({ indexes: { owner: () => [owner] } });
    cache.set(entry('a', { owner: 'ignored' }));
    owner = 'y';
    cache.delete('a');
    expect(cache.byIndex('owner', 'x')).toEqual([]);
  });

  it('I-108: ties a throwing index function to its key and leaves the rest of the index alone', () => {
    const failures: [string, SetpointError][] = [];
    const cache = new Indexer<Server>({
      indexes: {
        picky: (server, key) => {
          if (key === 'bad') throw new Error('no');
          return [server.owner];
        },
        owner: byOwner,
      },
      onIndexError: (error, key) => failures.push([key, error]),
    });
    for (const key of ['good', 'bad', 'fine']) cache.set(entry(key, { owner: 'x' }));
    expect(cache.byIndex('picky', 'x')).toHaveLength(2);
    expect(cache.byIndex('owner', 'x')).toHaveLength(3);
    expect(cache.size).toBe(3);
    expect(failures).toMatchObject([['bad', { code: 'Invalid', details: { key: 'bad' } }]]);
  });

  it('I-108: a key whose index function starts to throw is no longer found under its old value', () => {
    let broken = false;
    const cache = new Indexer<Server>({
      indexes: {
        owner: (server) => {
          if (broken) throw new Error('no');
          return [server.owner];
        },
      },
    });
    cache.set(entry('a', { owner: 'x' }));
    broken = true;
    cache.set(entry('a', { owner: 'x' }, 2n));
    expect(cache.byIndex('owner', 'x')).toEqual([]);
    expect(cache.get('a')).toEqual({ owner: 'x' });
  });

  it('I-108: treats an answer that is no array of strings as a failure', () => {
    const failures: string[] = [];
    const indexes = { text: (): never => 'x' as never, numbers: (): never => [1] as never };
    const cache = new Indexer<Server>({ indexes, onIndexError: (_error, key) => failures.push(key) });
    cache.set(entry('a', { owner: 'x' }));
    expect(failures).toEqual(['a', 'a']);
  });

  it('I-110: matches exactly, and says which indexes there are when asked for another', () => {
    const cache = new Indexer<Server>({ indexes: { owner: byOwner } });
    cache.set(entry('a', { owner: 'web' }));
    expect(cache.byIndex('owner', 'we')).toEqual([]);
    expect(() => cache.byIndex('owners', 'web')).toThrow(/Invalid.*"owners".*owner/);
  });

  it('I-113: the namespace index does not take `ab` for `a`, and files no key without a namespace', () => {
    const cache = new Indexer<Server>({ indexes: { namespace: namespaceIndex } });
    for (const key of ['a/1', 'ab/1', 'a']) cache.set(entry(key, { owner: key }));
    expect(cache.byIndex('namespace', 'a')).toEqual([{ owner: 'a/1' }]);
  });

  it('takes over a gathered list in one step, with an index that was added meanwhile', () => {
    const cache = new Indexer<Server>({ indexes: { owner: byOwner } });
    cache.set(entry('old', { owner: 'x' }));
    const next = cache.emptyCopy();
    next.set(entry('new', { owner: 'x', ports: ['80'] }));
    cache.addIndex('port', byPort);
    expect([...cache.keys()]).toEqual(['old']);
    cache.replace(next);
    expect([...cache.keys()]).toEqual(['new']);
    expect(cache.byIndex('owner', 'x')).toHaveLength(1);
    expect(cache.byIndex('port', '80')).toHaveLength(1);
    expect(next.size).toBe(0);
  });

  it('hands readers a view that follows the cache and can not change it', () => {
    const cache = new Indexer<Server>();
    const lister = readOnly(cache);
    cache.set(entry('a', { owner: 'x' }));
    expect([lister.size, lister.has('a'), lister.get('a'), lister.list()]).toEqual([
      1,
      true,
      { owner: 'x' },
      [{ owner: 'x' }],
    ]);
    expect(lister.entry('a')?.modRevision).toBe(1n);
    expect('set' in lister).toBe(false);
  });
});
