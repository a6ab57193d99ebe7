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
      // Real servers that are killed and paused: one file at a time, after everything else.
      project('integration', ['test/integration/**/*.test.ts'], 180_000, {
        fileParallelism: false,
        sequence: { groupOrder: 1 },
      }),
    ],
  },
});
