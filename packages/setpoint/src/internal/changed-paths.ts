/** So many paths are told; a change of more is a change of everything. */
export const PATHS_MAX = 8;

/** So many values are compared at most: this runs beside the work, not instead of it. */
const VISITS_MAX = 2000;

/** What every write changes, and so tells nothing. */
const ALWAYS_DIFFERENT = new Set(['metadata.resourceVersion', 'metadata.writeId', 'metadata.generation']);

/**
 * The paths of the fields in which two plain JSON values differ, such as `spec.replicas` or `status.conditions[0]`, at
 * most eight, the deepest that are still the same field on both sides. Values are never told, only where they are.
 */
export function changedPaths(before: unknown, after: unknown): readonly string[] {
  const paths: string[] = [];
  let visits = 0;
  const visit = (one: unknown, other: unknown, path: string): void => {
    if (Object.is(one, other) || paths.length >= PATHS_MAX || visits++ >= VISITS_MAX) return;
    if (!isTree(one) || !isTree(other) || Array.isArray(one) !== Array.isArray(other)) {
      if (!ALWAYS_DIFFERENT.has(path)) paths.push(path);
      return;
    }
    const inArray = Array.isArray(one);
    for (const name of Object.keys(one)) {
      if (!Object.is(one[name], other[name])) visit(one[name], other[name], childPath(path, name, inArray));
    }
    for (const name of Object.keys(other)) {
      if (!Object.hasOwn(one, name)) visit(undefined, other[name], childPath(path, name, inArray));
    }
  };
  visit(before, after, '');
  return paths;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function childPath(path: string, name: string, inArray: boolean): string {
  if (inArray) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
