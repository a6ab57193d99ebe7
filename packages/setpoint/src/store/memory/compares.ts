import type { Compare } from '../port.ts';
import { byteText, textRange } from './byte-text.ts';
import { keptText } from './kept-bytes.ts';
import type { KeyIndex } from './key-index.ts';
import type { Version } from './version.ts';

/**
 * Whether all compares hold now. Over a range a compare must hold for each key. Where there is no key, etcd compares
 * with zeroes (version, create, mod and lease are 0), and a compare of the value fails whatever its operator.
 */
export function allHold(index: KeyIndex, compares: readonly Compare[]): boolean {
  return compares.every((compare) => holds(index, compare));
}

function holds(index: KeyIndex, compare: Compare): boolean {
  let found = false;
  let held = true;
  index.visit(textRange(compare), undefined, (version) => {
    found = true;
    held = holdsFor(compare, version);
    return held;
  });
  if (found) return held;
  return compare.target === 'value' ? false : agrees(compare.operator, 0n, compare.operand);
}

function holdsFor(compare: Compare, version: Version): boolean {
  switch (compare.target) {
    case 'value':
      return agrees(compare.operator, keptText(version.value), byteText(compare.operand));
    case 'version':
      return agrees(compare.operator, version.version, compare.operand);
    case 'create':
      return agrees(compare.operator, version.createRevision, compare.operand);
    case 'mod':
      return agrees(compare.operator, version.modRevision, compare.operand);
    case 'lease':
      return agrees(compare.operator, version.lease, compare.operand);
  }
}

function agrees<T extends bigint | string>(operator: Compare['operator'], actual: T, operand: T): boolean {
  switch (operator) {
    case '=':
      return actual === operand;
    case '!=':
      return actual !== operand;
    case '>':
      return actual > operand;
    case '<':
      return actual < operand;
  }
}
