/** What the shorter blocks of the documents take as given. A block that imports a name has its own. */
import type { Client, ControllerDefinition, RangeResult, ResourceClient, Store } from 'setpoint';
import type { ExploreOptions } from 'setpoint/testing';
import type * as given from './websites.ts';

declare global {
  const admit: typeof import('setpoint/client').admit;
  const cliKind: typeof import('@setpoint/cli').cliKind;
  const createClient: typeof import('setpoint').createClient;
  const createManager: typeof import('setpoint').createManager;
  const defineController: typeof import('setpoint').defineController;
  const expect: typeof import('vitest').expect;
  const runCli: typeof import('@setpoint/cli').runCli;
  const simulate: typeof import('setpoint/testing').simulate;
  const test: typeof import('vitest').test;

  const Server: typeof given.Server;
  const Website: typeof given.Website;
  const websites: typeof given.websites;

  const client: Client;
  const controllers: readonly ControllerDefinition[];
  const list: { readonly revision: bigint };
  let seen: bigint;
  const store: Store;
  const value: string;
  const apply: (event: object) => void;
  const forgetMetricsOf: (key: string) => void;
  const upload: (value: string, options: { readonly token: string }) => Promise<void>;

  const scenario: ExploreOptions['scenario'];
  const matches: NonNullable<ExploreOptions['matches']>;
  const fakeCloud: () => { readonly start: (machine: string) => Promise<void> };
  const machines: (cloud: unknown, clock: unknown) => ControllerDefinition;
  const children: ResourceClient<typeof given.Sized>;
  const volumes: ResourceClient<typeof given.Sized>;
  const name: string;
  const size: number;
}
