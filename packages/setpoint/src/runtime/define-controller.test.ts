import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Server, Website } from '../../../../test/harness/running-manager.ts';
import { defineResource } from '../resource/index.ts';
import { memoryStore } from '../store/index.ts';
import { createManager } from './control-plane.ts';
import { defineController } from './define-controller.ts';

describe('what can not work is refused before anything runs', () => {
  const store = memoryStore();

  it('I-63: two controllers of one name', () => {
    const controllers = [1, 2].map(() => defineController(Website, { reconcile: () => {} }));
    expect(() => createManager({ store, controllers })).toThrow(/Invalid.*'websites'/);
  });

  it('two kinds under one key segment', () => {
    const Other = defineResource({
      group: 'other.dev',
      version: 'v1',
      kind: 'Website',
      plural: 'websites',
      spec: z.object({}),
    });
    expect(() => createManager({ store, resources: [Website, Other] })).toThrow(/Invalid.*other\.dev/);
  });

  it('options that are misspelt, with the one that was probably meant', () => {
    expect(() => createManager({ store, controlers: [] } as never)).toThrow(/'controlers'.*'controllers'/);
    expect(() => defineController(Website, { reconcile: () => {}, concurency: 2 } as never)).toThrow(/'concurrency'/);
    expect(() => createManager({} as never)).toThrow(/store must be a Store/);
    expect(() => createManager(undefined as never)).toThrow(/options; got nothing/);
    expect(() => createManager({ store, cacheSyncTimeoutMs: Number.NaN })).toThrow(/cacheSyncTimeoutMs.*NaN/);
    expect(() => createManager({ store, gracefulTimeoutMs: Number.NaN })).toThrow(/gracefulTimeoutMs.*NaN/);
  });

  it('a controller without a reconcile, or with a name that is none', () => {
    expect(() => defineController(Website, {} as never)).toThrow(/reconcile/);
    expect(() => defineController(Website, { name: 'Two Words', reconcile: () => {} })).toThrow(/Two Words/);
    expect(() => defineController(Website, { name: 3, reconcile: () => {} } as never)).toThrow(
      /name must be.*a number/,
    );
    expect(() => defineController(undefined as never, { reconcile: () => {} })).toThrow(
      /made by defineResource.*nothing/,
    );
    expect(() => defineController('Website' as never, { reconcile: () => {} })).toThrow(
      /made by defineResource.*a string/,
    );
  });

  // Each of these was taken once, and came out as a TypeError at the start, or as an option without effect.
  it.each([
    [{ owns: Server }, /controller 'websites': owns must be a list of kinds made by defineResource; got an object/],
    [{ owns: ['Server'] }, /owns\[0\] must be a kind made by defineResource; got a string/],
    [{ watches: [Server] }, /watches\[0\] has no option 'group'/],
    [{ watches: { resource: Server, map: () => [] } }, /watches must be a list of \{ resource, map \}; got an object/],
    [{ watches: [{ resource: Server }] }, /watches\[0\]\.map must be a function.*got nothing/],
    [{ watches: [{ resource: 'Server', map: () => [] }] }, /watches\[0\]\.resource must be a kind.*got a string/],
    [{ sources: () => {} }, /sources must be a list of sources.*got a function/],
    [{ sources: [() => {}] }, /sources\[0\] must be a source.*got a function/],
    [{ predicates: () => true }, /predicates must be a list of functions; got a function/],
    [{ predicates: [true] }, /predicates\[0\] must be a function; got a boolean/],
    [{ finalize: true }, /finalize must be a function; got a boolean/],
    [{ gone: 'yes' }, /gone must be a function; got a string/],
    [{ rateLimiter: () => 5 }, /rateLimiter must be a RateLimiter, such as exponentialLimiter\(\); got a function/],
    [{ fairness: true }, /fairness must be false or \{ flowOf \}, .*; got a boolean/],
    [{ fairness: { flow: () => '' } }, /fairness has no option 'flow'/],
    [{ fairness: { flowOf: 'ns' } }, /fairness must be false or \{ flowOf \}/],
    [{ history: { runs: 3 } }, /history has no option 'runs'/],
    [{ history: { runsPerKey: '3' } }, /history\.runsPerKey must be a whole number.*got a string/],
    [{ history: 3 }, /history takes an object of options; got a number/],
  ] as [object, RegExp][])('a controller with %j', (options, message) => {
    const define = () => defineController(Website, { reconcile: () => {}, ...options } as never);
    expect(define).toThrow(expect.objectContaining({ code: 'Invalid' }));
    expect(define).toThrow(message);
  });

  const websites = defineController(Website, { reconcile: () => {} });
  it.each([
    [{ controllers: websites }, /controllers must be a list of what defineController makes; got an object/],
    [{ controllers: [Website] }, /controllers\[0\] must be what defineController makes; got an object/],
    [{ controllers: [undefined] }, /controllers\[0\] must be what defineController makes; got nothing/],
    [{ resources: Website }, /resources must be a list of kinds made by defineResource; got an object/],
    [{ resources: ['websites'] }, /resources\[0\] must be a kind made by defineResource; got a string/],
    [{ runnables: {} }, /runnables must be a list of runnables; got an object/],
    [{ runnables: [() => {}] }, /runnables\[0\] must be an object with a function run.*got a function/],
    [{ garbageCollection: 'no' }, /garbageCollection must be true or false; got a string/],
    [{ leaderElection: 'ours' }, /leaderElection takes an object of options; got a string/],
    [
      { leaderElection: { name: 'ours', leaseDuration: 5 } },
      /leaderElection has no option 'leaseDuration': did you mean 'leaseDurationMs'/,
    ],
    [{ sharding: { name: 'ours', slot: 8 } }, /sharding has no option 'slot': did you mean 'slots'/],
    [{ health: true }, /health takes an object of options; got a boolean/],
    [{ health: { port: 0, allowedHost: ['a'] } }, /health has no option 'allowedHost': did you mean 'allowedHosts'/],
    [{ health: { port: 0, allowedHosts: 'a' } }, /health allowedHosts must be a list of names; got a string/],
    [{ massDelete: { shares: 0.9 } }, /massDelete has no option 'shares': did you mean 'share'/],
    [{ massDelete: 3 }, /massDelete takes an object of options; got a number/],
    [{ admission: () => {} }, /admission: expected a list of hooks.*got a function/],
    [{ transformerOf: {} }, /transformerOf must be a function; got an object/],
    [{ onReconciled: 'log' }, /onReconciled must be a function; got a string/],
    [{ gracefulTimeoutMs: '3' }, /gracefulTimeoutMs must be a number.*got a string/],
  ] as [object, RegExp][])('a manager with %j', (options, message) => {
    const create = () => createManager({ store, ...options } as never);
    expect(create).toThrow(expect.objectContaining({ code: 'Invalid' }));
    expect(create).toThrow(message);
  });

  it('something to run that can not be run', () => {
    const manager = createManager({ store });
    expect(() => manager.add((() => {}) as never)).toThrow(/Invalid.*object with a function run.*got a function/);
    expect(() => manager.add(undefined as never)).toThrow(/Invalid.*object with a function run.*got nothing/);
  });
});
