import { isPlainObject } from './plain-json.ts';

/** The value at a dotted path such as `spec.replicas`; undefined where there is none. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const step of path.split('.')) {
    if (!isPlainObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** A copy of `object` with `value` at a dotted path; what is not on the way there is shared, not copied. */
export function withValueAt(object: unknown, path: string, value: unknown): unknown {
  const dot = path.indexOf('.');
  const step = dot === -1 ? path : path.slice(0, dot);
  const around = isPlainObject(object) ? object : {};
  const inner = Object.hasOwn(around, step) ? around[step] : undefined;
  return { ...around, [step]: dot === -1 ? value : withValueAt(inner, path.slice(dot + 1), value) };
}
