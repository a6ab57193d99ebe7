import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Website } from '../../../../test/harness/running-manager.ts';
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
    expect(() => createManager(undefined as never)).toThrow(/undefined/);
    expect(() => createManager({ store, cacheSyncTimeoutMs: Number.NaN })).toThrow(/cacheSyncTimeoutMs.*NaN/);
    expect(() => createManager({ store, gracefulTimeoutMs: Number.NaN })).toThrow(/gracefulTimeoutMs.*NaN/);
  });

  it('a controller without a reconcile, or with a name that is none', () => {
    expect(() => defineController(Website, {} as never)).toThrow(/reconcile/);
    expect(() => defineController(Website, { name: 'Two Words', reconcile: () => {} })).toThrow(/Two Words/);
  });
});
