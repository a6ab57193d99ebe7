import { keyRange, type KeySelector, toBytes } from '../store/index.ts';

/** Whether a request for `selector` is also about `key`. */
export function inRange(key: string, selector: KeySelector): boolean {
  const { start, end } = keyRange(selector);
  const bytes = toBytes(key);
  const order = Buffer.compare(bytes, start);
  if (end === undefined) return order === 0;
  return order >= 0 && ((end.length === 1 && end[0] === 0) || Buffer.compare(bytes, end) < 0);
}
