import type { ChildProcess } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { hearNews } from './news.ts';

describe('what a program says on its channel', () => {
  function channel(): { readonly say: (text: string) => void; readonly heard: unknown[] } {
    const pipe = new PassThrough();
    const heard: unknown[] = [];
    hearNews({ stdio: [null, null, null, pipe] } as unknown as ChildProcess, (news) => heard.push(news));
    return { say: (text) => void pipe.write(text), heard };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is heard line by line, in whatever pieces it comes, and what is no object is passed over', async () => {
    const { say, heard } = channel();
    for (const text of [
      '{"type":"re',
      'ady","port":1}\n{"type"',
      ':"load","value":2}\n',
      'no JSON\n7\nnull\n{"a":1}\n',
    ]) {
      say(text);
      await turn();
    }
    expect(heard).toEqual([{ type: 'ready', port: 1 }, { type: 'load', value: 2 }, { a: 1 }]);
  });

  it('is no news when a line is too long, whole or in pieces, and does not keep it', async () => {
    const { say, heard } = channel();
    const long = JSON.stringify({ type: 'load', value: 'x'.repeat(70_000) });
    say(`${long}\n`);
    await turn();
    for (const piece of [long.slice(0, 10), long.slice(10, 66_000), long.slice(66_000)]) {
      say(piece);
      await turn();
    }
    say('\n{"a":1}\n');
    await turn();
    expect(heard).toEqual([{ a: 1 }]);
  });
});
