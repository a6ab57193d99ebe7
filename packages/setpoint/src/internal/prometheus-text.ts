/** One line of the text format before it is text: the name's suffix, the labels in order, the value. */
export interface Sample {
  readonly suffix: '' | '_bucket' | '_sum' | '_count';
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
}

interface RenderedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(): readonly Sample[];
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

/** Prometheus writes infinities with a sign and no word; everything else is a JavaScript number already. */
const renderValue = (value: number): string => String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf');

const renderLabels = (labels: Sample['labels']): string =>
  labels.length === 0 ? '' : `{${labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`;

/** A family with its HELP and TYPE lines, in Prometheus' text exposition format 0.0.4. */
export function renderFamily(family: RenderedFamily): string {
  const lines = family
    .samples()
    .map(({ suffix, labels, value }) => `${family.name}${suffix}${renderLabels(labels)} ${renderValue(value)}\n`);
  return `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n${lines.join('')}`;
}
