import type { Cause, QueueEntry } from '../workqueue/index.ts';
import type { RunningAttempt } from './report.ts';
import type { RunRecord } from './run-history.ts';

/** Why a key ran, runs or waits. */
export interface Explanation {
  readonly key: string;
  /** - `idle`: nothing asks for it. `paused`: it is wanted, and is not handed out before a resume. */
  readonly state: 'running' | 'ready' | 'delayed' | 'paused' | 'idle';
  /** All of it in a few sentences, for a person. */
  readonly summary: string;
  /** The attempt that has not returned. */
  readonly running: RunningAttempt | undefined;
  /** What the queue knows of it; undefined when that is nothing. */
  readonly queued: QueueEntry | undefined;
  /** For how long it is put off because its own writes keep waking it; 0: it isn't. */
  readonly dampedMs: number;
  /** Its last attempts, the newest first. */
  readonly runs: readonly RunRecord[];
}

/** What an explanation is made of, collected by the controller. */
export interface Findings extends Pick<Explanation, 'key' | 'running' | 'queued' | 'dampedMs' | 'runs'> {
  readonly paused: boolean;
  /** Why nothing at all is handed out just now, if so. */
  readonly holdUp: string | undefined;
}

export function explanationOf({ paused, holdUp, ...found }: Findings): Explanation {
  const state = stateOf(found, paused);
  return { ...found, state, summary: summaryOf(found, state, holdUp) };
}

function stateOf({ running, queued }: Pick<Findings, 'running' | 'queued'>, paused: boolean): Explanation['state'] {
  if (running) return 'running';
  if (queued === undefined) return 'idle';
  if (paused) return 'paused';
  return queued.state === 'ready' ? 'ready' : 'delayed';
}

function summaryOf(
  { running, queued, dampedMs, runs }: Omit<Findings, 'paused' | 'holdUp'>,
  state: Explanation['state'],
  holdUp: string | undefined,
): string {
  const sentences: string[] = [];
  if (running) sentences.push(runningSentence(running));
  if (running && queued?.readyInMs !== undefined) sentences.push('It is wanted once more after that.');
  if (state === 'paused') sentences.push(`Paused; wanted because of ${causesText(queued!.causes)}.`);
  if (state === 'ready') {
    sentences.push(`Ready, at priority ${queued!.priority}, because of ${causesText(queued!.causes)}.`);
    sentences.push(holdUp ?? 'It waits for its turn.');
  }
  if (state === 'delayed') {
    sentences.push(`Ready in ${duration(queued!.readyInMs!)}, because of ${causesText(queued!.causes)}.`);
    if (queued!.failures > 0) sentences.push(`It failed ${times(queued!.failures)} in a row.`);
    if (dampedMs > 0) sentences.push('It is put off because its own writes keep waking it.');
  }
  if (state === 'idle') sentences.push('Nothing asks for it.');
  const [last] = runs;
  if (last) sentences.push(lastSentence(last));
  else if (!running) sentences.push('It has not run as far back as is remembered.');
  return sentences.join(' ');
}

function runningSentence({ runningMs, causes, attempt, timedOut, overdue }: RunningAttempt): string {
  const how = overdue ? ', past its time and grace: it ignores its signal' : timedOut ? ', past its time' : '';
  const which = attempt > 1 ? `attempt ${attempt}, ` : '';
  return `Running for ${duration(runningMs)}${how}, ${which}because of ${causesText(causes)}.`;
}

function lastSentence({ result, error, durationMs, causes, requeueAfterMs, writes }: RunRecord): string {
  const ended = {
    success: 'went well',
    requeue: 'asked to be run again',
    requeue_after: `asked to be run again after ${duration(requeueAfterMs ?? 0)}`,
    error: `failed with ${error ?? 'an error'}`,
  }[result];
  const wrote = writes.length === 0 ? 'wrote nothing' : `wrote ${times(writes.length)}`;
  return `The last run was because of ${causesText(causes)}, took ${duration(durationMs)}, ${wrote} and ${ended}.`;
}

/** The causes, in words: `an update of Website default/web at revision 12 (status.ready)`. */
export function causesText(causes: readonly Cause[]): string {
  if (causes.length === 0) return 'an add that gave no cause';
  return causes.map(causeText).join('; ');
}

const CHANGES = { initial: 'the initial list', add: 'the creation', update: 'an update', delete: 'the deletion' };

function causeText({ type, source, object, change, revision, paths, failure, count }: Cause): string {
  if (type === 'more') return `${count} more`;
  const what = {
    event: change === undefined ? 'an event' : CHANGES[change],
    requeue: 'a run that asked for another',
    retry: `failure ${failure ?? ''}`.trimEnd(),
    resync: 'a resync',
    manual: 'a request by hand',
  }[type];
  const subject = [source, object].filter((part) => part !== undefined).join(' ');
  const of = subject === '' ? '' : ` of ${subject}`;
  const at = revision === undefined ? '' : ` at revision ${revision}`;
  const fields = paths?.length ? ` (${paths.join(', ')})` : '';
  return `${what}${of}${at}${fields}${count > 1 ? ` × ${count}` : ''}`;
}

function duration(ms: number): string {
  if (ms === Infinity) return 'no time that is known';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
