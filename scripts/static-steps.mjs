/** The checks that read the tree without running it, cheapest to understand first. @type {readonly import('./steps.mjs').Step[]} */
export const staticSteps = [
  { name: 'types', commands: [['tsc', '-b']] },
  { name: 'lint', commands: [['oxlint', '--type-aware', '--deny-warnings']] },
  { name: 'format', commands: [['oxfmt', '--check']] },
  { name: 'boundaries', commands: [['node', 'scripts/boundaries.mjs']] },
  {
    name: 'packaging',
    commands: [
      ...['packages/setpoint', 'packages/etcd', 'packages/cli'].flatMap((folder) => [
        ['publint', '--strict', folder],
        ['attw', '--pack', folder, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'],
      ]),
      ['knip'],
    ],
  },
];
