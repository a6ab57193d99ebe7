import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The tests that `npm run mutation` judges: it says which. */
const source = (path: string): string => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^setpoint$/, replacement: source('setpoint/src/index.ts') },
      { find: /^setpoint\/(.+)$/, replacement: source('setpoint/src') + '/$1/index.ts' },
    ],
  },
  test: {
    include: (process.env['MUTATION_TESTS'] ?? '').split(' '),
    // A million keys take a second each time, and find nothing that the model doesn't.
    exclude: ['**/*.memory.test.ts'],
    testTimeout: 20_000,
  },
});
