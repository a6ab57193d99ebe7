import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createManager, defineController, defineResource, memoryStore } from 'setpoint';
import { expect, it } from 'vitest';
import { z } from 'zod';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query?: string }[] };
}

const dashboard = JSON.parse(readFileSync(`${root}/docs/guides/grafana-dashboard.json`, 'utf8')) as Dashboard;
const expressions = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ query }) => (query?.includes('(') ? [query] : [])),
];

/** Every metric that a manager with one controller shows, with the labels of its series. */
async function shownMetrics(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const Thing = defineResource({
    group: 'demo.dev',
    version: 'v1',
    kind: 'Thing',
    plural: 'things',
    spec: z.object({}),
  });
  const manager = createManager({
    store: memoryStore(),
    controllers: [defineController(Thing, { reconcile: () => {} })],
  });
  const run = manager.run(new AbortController().signal);
  await manager.whenReady();
  const text = manager.metrics.render();
  await manager.stop();
  await run;
  const shown = new Map<string, Set<string>>();
  for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) shown.set(name!, new Set());
  for (const [, name, labels = ''] of text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? /gm)) {
    const known = shown.get(name!) ?? new Set();
    shown.set(name!, known);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
  }
  return shown;
}

/** A family that has no series yet shows its name only; then its labels can't be known. */
it('the Grafana dashboard uses only metrics, and labels of them, that exist', async () => {
  const shown = await shownMetrics();
  expect(expressions.length).toBeGreaterThan(25);
  const wrong = expressions.flatMap((expr) => {
    const names = [...expr.matchAll(/\b((?:controller_runtime|workqueue|setpoint)_\w+)(?:\{([^}]*)\})?/g)];
    if (names.length === 0) return [`no metric in ${expr}`];
    return names.flatMap(([, name = '', selector = '']) => {
      const labels = shown.get(name);
      if (!labels) return [`no metric ${name} in ${expr}`];
      const used = [
        ...Array.from(selector.matchAll(/(\w+)\s*=~?/g), ([, label]) => label!),
        ...Array.from(expr.matchAll(/by \(([^)]*)\)/g), ([, list]) => list!.split(/,\s*/)).flat(),
      ];
      return labels.size === 0 ? [] : used.filter((label) => !labels.has(label)).map((label) => `${name}: ${label}`);
    });
  });
  expect(wrong).toEqual([]);
});

it('the guide on observability names only metrics that exist', async () => {
  const shown = await shownMetrics();
  const guide = readFileSync(`${root}/docs/guides/observability.md`, 'utf8');
  const named = [...guide.matchAll(/`((?:controller_runtime|workqueue|setpoint)_\w+)`/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !shown.has(name))).toEqual([]);
});
