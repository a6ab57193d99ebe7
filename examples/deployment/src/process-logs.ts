import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { LogOptions } from '@setpoint/cli';
import type { Client } from 'setpoint';
import { Node, type Process } from './kinds.ts';
import { SetupError } from './open-store.ts';

/** What a Process has said, from the agent of its Node. */
export async function* processLogs(
  { metadata, spec }: Process,
  client: Client,
  { follow, previous, tail, signal }: LogOptions,
): AsyncGenerator<string> {
  if (spec.nodeName === undefined) throw new SetupError(`${metadata.name} has no node yet, so nothing runs`);
  const node = await client.resource(Node).find({ name: spec.nodeName });
  if (node?.status?.address === undefined) throw new SetupError(`the agent of ${spec.nodeName} is not known`);
  const url = new URL(`/logs/${metadata.namespace}/${metadata.name}`, node.status.address);
  if (tail !== undefined) url.searchParams.set('tail', String(tail));
  if (follow) url.searchParams.set('follow', '1');
  if (previous) url.searchParams.set('previous', '1');
  const response = await ask(url, spec.nodeName, signal);
  if (response.statusCode !== 200) {
    throw new SetupError(
      previous ? `${metadata.name} has no run before this one` : `${metadata.name} has not started yet`,
    );
  }
  try {
    for await (const line of createInterface({ input: response })) yield line;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function ask(url: URL, node: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).once('error', (error) =>
      reject(new SetupError(`the agent of ${node} does not answer: ${error.message}`, { cause: error })),
    );
  });
}
