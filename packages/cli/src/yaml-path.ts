import { type Document, isMap, isNode, isPair, isScalar, isSeq } from 'yaml';

type Step = string | number;

/** `spec.template.env["A B"].list[3]` as its steps. */
export function stepsOf(path: string): Step[] {
  const steps = path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g);
  return Array.from(steps, ([, index, quoted, plain]) =>
    index === undefined ? (quoted ?? plain ?? '') : Number(index),
  );
}

/** Where in the text the field at `steps` begins; when it is missing, the nearest thing around it that is there. */
export function offsetOf(document: Document, steps: readonly Step[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? document.range?.[0] ?? 0;
  for (const step of steps) {
    const next = isMap(node)
      ? node.items.find(({ key }) => (isScalar(key) ? String(key.value) : undefined) === step)
      : isSeq(node) && typeof step === 'number'
        ? node.items[step]
        : undefined;
    if (next === undefined) return offset;
    offset = startOf(isPair(next) ? next.key : next) ?? offset;
    node = isPair(next) ? next.value : next;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
