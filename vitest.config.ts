import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests import the packages by name and get their sources, so that no build has to come first. */
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const alias = [
  { find: /^setpoint$/, replacement: source('./packages/setpoint/src/index.ts') },
  { find: /^setpoint\/(.+)$/, replacement: source('./packages/setpoint/src') + '/$1/index.ts' },
  { find: /^@setpoint\/etcd$/, replacement: source('./packages/etcd/src/index.ts') },
  { find: /^@setpoint\/cli$/, replacement: source('./packages/cli/src/index.ts') },
];

/** The times only end what hangs: they leave room for a machine that is busy with other things. */
const project = (name: string, include: string[], testTimeout: number, extra: object = {}) => ({
  resolve: { alias },
  test: { name, include, testTimeout, hookTimeout: 60_000, ...extra },
});

const PATIENT = [
  'config-center',
  'deployment-start',
  'etcd-auth',
  'etcd-close',
  'etcd-handbook',
  'etcd-mtls',
  'etcd-tls',
  'informer-losses',
  'informer-output',
  'lease-extension',
  'managed-etcd',
  'minimal-role',
  'secrets',
  'transactional-reconcile',
  'watch-cuts',
  'watch-progress',
].map((name) => `test/integration/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        [
          'packages/*/src/**/*.test.ts',
          'examples/*/src/**/*.test.ts',
          'scripts/**/*.test.ts',
          'test/inference/**/*.test.ts',
          'bench/**/*.test.ts',
        ],
        60_000,
        // What a test changes of its process it puts back: a module graph for each file would cost more than the tests do.
        { isolate: false },
      ),
      project('simulation', ['test/simulation/**/*.test.ts', 'test/linearizability/**/*.test.ts'], 120_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 120_000),
      project('packaging', ['test/packaging/**/*.test.ts'], 180_000),
      // Real servers, after everything else. Those that wait more than they work go two files at a time,
      project('patient', PATIENT, 180_000, { maxWorkers: 2, sequence: { groupOrder: 1 } }),
      // those whose servers and processes are killed and paused while they work, one.
      project('integration', ['test/integration/**/*.test.ts'], 180_000, {
        exclude: PATIENT,
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
});
