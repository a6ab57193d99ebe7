import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * The channel on which a program says how it is: Node's own IPC channel, whose other end is read here. Node would read
 * it too, but throws at a line that is no JSON, in the agent, which would end with all its programs.
 */
const NEWS_FD = 3;
/** Longer lines are no news. */
const LINE_MAX = 64 * 1024;

/** What makes a Node program have `process.send`; any other may write its line of JSON to that file. */
export const NEWS_ENVIRONMENT = { NODE_CHANNEL_FD: String(NEWS_FD), NODE_CHANNEL_SERIALIZATION_MODE: 'json' };

/** Calls `onNews` with every object that a program says. What is no JSON object is passed over. */
export function hearNews(
  child: ChildProcess | undefined,
  onNews: (news: Readonly<Record<string, unknown>>) => void,
): void {
  const channel = child?.stdio[NEWS_FD] as Socket | null | undefined;
  let rest = '';
  channel?.on('error', () => {}); // it broke: the end of the program tells more
  channel?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    // One character more tells a line that goes on from one of just that length.
    rest = (lines.pop() ?? '').slice(0, LINE_MAX + 1);
    for (const line of lines) {
      const news = line.length > LINE_MAX ? undefined : parsed(line);
      if (news) onNews(news);
    }
  });
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const news: unknown = JSON.parse(line);
    return typeof news === 'object' && news !== null ? (news as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
