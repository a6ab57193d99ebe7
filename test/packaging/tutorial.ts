import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** The tutorial, taken apart: what it says to write into which file, and what to type. */
export interface Tutorial {
  readonly files: readonly (readonly [name: string, text: string])[];
  /** What is typed beside the controller on the embedded store, and then beside the one on etcd. */
  readonly commands: readonly TypedCommand[];
  readonly etcdCommands: readonly TypedCommand[];
  /** What to change in a file to have it on etcd: lines that go, and lines that come in the place of the first of them. */
  readonly change: readonly (readonly [before: string, after: string])[];
}

type TypedCommand = readonly [command: string, prints: string];

export async function readTutorial(): Promise<Tutorial> {
  const text = await readFile(new URL('../../docs/guides/tutorial.md', import.meta.url), 'utf8');
  const files = Array.from(
    text.matchAll(/<!-- (?:file: ([\w.-]+)|program: tutorial) -->\s*```\w+\n([^]*?)```/g),
    ([, name = 'greeter.mjs', content = '']) => [name, content] as const,
  );
  const [commands = [], etcdCommands = []] = Array.from(text.matchAll(/```console\n([^]*?)```/g), ([, played = '']) =>
    played
      .split(/^\$ /m)
      .slice(1)
      .map((one) => [one.slice(0, one.indexOf('\n')), one.slice(one.indexOf('\n') + 1)] as const),
  );
  const diff = /<!-- change: controller\.mjs -->\s*```diff\n([^]*?)```/.exec(text)?.[1] ?? '';
  const change = Array.from(diff.matchAll(/((?:^-.*\n)+)((?:^\+.*\n)*)/gm), ([, before = '', after = '']) => {
    return [before.replaceAll(/^-/gm, ''), after.replaceAll(/^\+/gm, '')] as const;
  });
  return { files, commands, etcdCommands, change };
}

/** A shell, as a newcomer has one: what a command prints on both streams. */
export async function typed(command: string, folder: string): Promise<string> {
  const shell = spawn('sh', ['-c', command], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text));
  await once(shell, 'close');
  return printed;
}

/** Ages differ, and with them the widths of their columns. */
export function ageless(text: string): string {
  return text
    .replaceAll(/\d+s( \(x2 over \d+s\))? */g, (_whole, twice) => (twice ? 'AGE twice ' : 'AGE '))
    .replaceAll(/ {2,}/g, '  ');
}
