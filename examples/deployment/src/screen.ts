import { styleText } from 'node:util';

/** One step of the show. */
export interface StepLine {
  readonly title: string;
  readonly state: 'running' | 'done' | 'failed';
  /** What was verified, or what was not. */
  readonly detail: string;
}

/** One replica, as a row. */
export interface ReplicaLine {
  readonly name: string;
  readonly node: string;
  readonly phase: string;
  readonly pid: string;
  readonly port: string;
  readonly restarts: string;
  readonly version: string;
  readonly note: string;
}

export interface Scene {
  readonly headline: string;
  readonly steps: readonly StepLine[];
  readonly replicas: readonly ReplicaLine[];
}

type Style = (style: Parameters<typeof styleText>[0], text: string) => string;
const colour: Style = (style, text) => styleText(style, text);
const plain: Style = (_style, text) => text;

const MARKS = { running: ['cyan', '▸'], done: ['green', '✓'], failed: ['red', '✗'] } as const;
const PHASE_STYLES: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  Running: 'green',
  Starting: 'cyan',
  Pending: 'dim',
  BackOff: 'red',
  Stopping: 'yellow',
  Unknown: 'yellow',
};

export function stepText({ title, state, detail }: StepLine, style: Style = plain): string {
  const [name, mark] = MARKS[state];
  const line = `${style(name, mark)} ${title}`;
  return detail === '' ? line : `${line}\n    ${style(state === 'failed' ? 'red' : 'dim', detail)}`;
}

export function replicaText(replica: ReplicaLine, style: Style = plain): string {
  const { name, node, phase, pid, port, restarts, version, note } = replica;
  const cells = [
    name.padEnd(26),
    phase.padEnd(9),
    version.padEnd(4),
    pid.padStart(7),
    port.padStart(6),
    restarts.padStart(3),
  ];
  cells[1] = style(PHASE_STYLES[phase] ?? 'dim', cells[1]!);
  return `  ${cells.join('  ')}  ${node}${note === '' ? '' : `  ${style('dim', note)}`}`.trimEnd();
}

const HEADINGS = {
  name: 'PROCESS',
  node: 'NODE',
  phase: 'PHASE',
  pid: 'PID',
  port: 'PORT',
  restarts: 'RE',
  version: 'VER',
  note: '',
};

/** The whole picture as lines. */
export function frame({ headline, steps, replicas }: Scene, style: Style = plain): string[] {
  const rows = replicas.map((replica) => replicaText(replica, style));
  const table = ['', style('dim', replicaText(HEADINGS)), ...(rows.length === 0 ? [style('dim', '  none')] : rows)];
  return [style('bold', headline), '', ...steps.flatMap((step) => stepText(step, style).split('\n')), ...table];
}

/** Where the picture goes. */
export interface Screen {
  show(scene: Scene): void;
  /** A line that stays, such as a log message or an error. */
  say(line: string): void;
  close(): void;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** A picture that is drawn over itself where there is a terminal, and otherwise one line for each thing that is new. */
export function createScreen(output: Terminal = process.stdout): Screen {
  return output.isTTY === true ? new LiveScreen(output) : new PlainScreen(output);
}

class LiveScreen implements Screen {
  readonly #output: Terminal;
  #drawn = 0;
  #last: readonly string[] = [];

  constructor(output: Terminal) {
    this.#output = output;
    output.write('\x1b[?25l'); // hides the cursor
  }

  show(scene: Scene): void {
    // Lines that wrap or scroll away can't be drawn over: what doesn't fit is left out, the newest stays.
    const { columns, rows } = this.#output;
    this.#last = frame(scene, colour)
      .map((line) => cut(line, columns || 120))
      .slice(1 - (rows || 40));
    this.#draw(this.#last);
  }

  say(line: string): void {
    this.#draw([line]);
    this.#drawn = 0;
    this.#draw(this.#last);
  }

  close(): void {
    this.#output.write('\x1b[?25h');
  }

  #draw(lines: readonly string[]): void {
    const up = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}F`;
    this.#output.write(`${up}\x1b[J${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }
}

class PlainScreen implements Screen {
  readonly #output: Terminal;
  readonly #said = new Set<string>();
  #shown = new Map<string, string>();

  constructor(output: Terminal) {
    this.#output = output;
  }

  show({ headline, steps, replicas }: Scene): void {
    const once = [headline, ...steps.map((step) => stepText(step))].filter((line) => !this.#said.has(line));
    const now = new Map(replicas.map((replica) => [replica.name, replicaText(replica)]));
    const changed = [...now].filter(([name, line]) => this.#shown.get(name) !== line).map(([, line]) => `  ${line}`);
    const gone = [...this.#shown.keys()].filter((name) => !now.has(name)).map((name) => `    ${name.padEnd(26)}  gone`);
    for (const line of [...changed, ...gone, ...once]) this.say(line);
    for (const line of once) this.#said.add(line);
    this.#shown = now;
  }

  say(line: string): void {
    this.#output.write(`${line}\n`);
  }

  close(): void {}
}

/** The first `columns` characters that are seen; escape sequences take no room. */
function cut(line: string, columns: number): string {
  let seen = 0;
  return line.replace(/(\x1b\[[0-9;]*m)|./gu, (character, escape: string | undefined) => {
    if (escape !== undefined) return escape;
    seen += 1;
    return seen < columns ? character : '';
  });
}
