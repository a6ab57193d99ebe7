import { describe, expect, it } from 'vitest';
import { createScreen, type ReplicaLine, type Scene } from './screen.ts';

const web: ReplicaLine = {
  name: 'web-0',
  node: 'n1',
  phase: 'Running',
  pid: '41',
  port: '8080',
  restarts: '0',
  version: 'v1',
  note: '',
};
const scene = (state: 'running' | 'done', ...replicas: ReplicaLine[]): Scene => ({
  headline: 'the show',
  steps: [{ title: 'create', state, detail: state === 'done' ? '3 of 3' : '' }],
  replicas,
});

function terminal(size: { isTTY?: boolean; columns?: number; rows?: number }) {
  let written = '';
  const output = { ...size, write: (text: string) => (written += text) };
  const take = (): string => {
    const text = written;
    written = '';
    return text;
  };
  return { output, take };
}

describe('createScreen', () => {
  it('prints each new thing once where there is no terminal, without escape sequences', () => {
    const { output, take } = terminal({});
    const screen = createScreen(output);
    screen.show(scene('running', web));
    const first = take();
    expect(first).toMatch(/web-0 .*Running .*41 .*8080/);
    expect(first).toMatch(/the show\n▸ create\n/);
    expect(first).not.toContain('\x1b');
    screen.show(scene('running', web));
    expect(take()).toBe('');
    screen.show(scene('done'));
    expect(take()).toMatch(/web-0 +gone\n✓ create\n {4}3 of 3\n$/);
  });

  it('draws over itself on a terminal, keeps said lines, and shows the cursor again', () => {
    const { output, take } = terminal({ isTTY: true });
    const screen = createScreen(output);
    screen.show(scene('running', web));
    expect(take()).not.toMatch(/\x1b\[\d+F/);
    screen.show(scene('done', web));
    expect(take()).toMatch(/^\x1b\[6F\x1b\[J/);
    screen.say('something happened');
    expect(take()).toMatch(/^\x1b\[7F\x1b\[Jsomething happened\n\x1b\[J.*the show/s);
    screen.close();
    expect(take()).toBe('\x1b[?25h');
  });

  it('never draws more or longer lines than the terminal has', () => {
    const { output, take } = terminal({ isTTY: true, columns: 20, rows: 5 });
    createScreen(output).show(scene('running', web, { ...web, name: 'web-1' }));
    const lines = take()
      .replace(/\x1b\[[?0-9;]*[A-Za-z]/g, '')
      .split('\n')
      .slice(0, -1);
    expect(lines).toHaveLength(4);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(20);
    expect(lines.at(-1)).toContain('web-1');
  });
});
