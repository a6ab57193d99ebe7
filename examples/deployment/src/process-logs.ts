import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { CommandError, type LogOptions } from '@setpoint/cli';
import type { Client } from 'setpoint';
import { Node, type Process } from './kinds.ts';

/** What a Process has said, from the agent of its Node. */
export async function* processLogs(
  { metadata, spec }: Process,
  client: Client,
  { follow, previous, tail, signal }: LogOptions,
): AsyncGenerator<string> {
  if (spec.nodeName === undefined) throw new CommandError(`error: ${metadata.name} has no node yet, so nothing runs`);
  const node = await client.resource(Node).find({ name: spec.nodeName });
  if (node?.status?.address === undefined) throw new CommandError(`error: the agent of ${spec.nodeName} is not known`);
  const url = new URL(`/logs/${metadata.namespace}/${metadata.name}`, node.status.address);
  if (tail !== undefined) url.searchParams.set('tail', String(tail));
  if (follow) url.searchParams.set('follow', '1');
  if (previous) url.searchParams.set('previous', '1');
  const response = await ask(url, spec.nodeName, signal);
  if (response.statusCode !== 200) {
    const why = previous ? 'has no run before this one' : 'has not started yet';
    throw new CommandError(`error: ${metadata.name} ${why}`);
  }
  try {
    for await (const line of createInterface({ input: response })) yield line;
  } catch (error) {
    if (signal.aborted) return;
    throw new CommandError(`error: the agent of ${spec.nodeName} has gone: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function ask(url: URL, node: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).once('error', (error) =>
      reject(new CommandError(`error: the agent of ${node} does not answer: ${error.message}`, { cause: error })),
    );
  });
}
