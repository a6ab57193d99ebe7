import { type Fault, faultsText, isOmission } from './fault.ts';
import type { TraceLine } from './records.ts';
import type { ScheduleResult } from './schedule-result.ts';
import type { Violation } from './world-options.ts';

/** One way in which a subject breaks, made as small as it gets. */
export interface SimulatedFailure {
  /** What broke first. */
  readonly violation: Violation;
  readonly faults: readonly Fault[];
  /** The numbers of the user's steps that it does not take to break it. */
  readonly omitted: readonly number[];
  /** At most ten lines. */
  readonly timeline: readonly string[];
  /** Runs exactly this schedule again: the value of SETPOINT_SEED. */
  readonly seed: string;
  /** The whole message. */
  readonly text: string;
}

const TIMELINE_LINES = 10;

/** The failure of a recorded run, in words. */
export function describeFailure(name: string, result: ScheduleResult, command: string): SimulatedFailure {
  const violation = result.violations[0]!;
  const seed = seedOf(name, result.faults);
  const faults = result.faults.filter((each) => !isOmission(each));
  const omitted = result.faults.filter(isOmission).map(({ at }) => Number(at));
  const without = omitted.length > 0 ? [`without the user's steps ${omitted.join(', ')}`] : [];
  const timeline = shortened(result.trace).map(lineText);
  const place = violation.place === undefined ? [] : [`  at ${violation.place}`];
  const text = [
    `${violation.oracle}: ${violation.message}`,
    ...place,
    `faults: ${faultsText(faults)}`,
    ...without,
    ...timeline.map((line) => `  ${line}`),
    `replay: SETPOINT_SEED='${seed}' ${command}`,
  ].join('\n');
  return { violation, faults, omitted, timeline, seed, text };
}

export const seedOf = (name: string, faults: readonly Fault[]): string => `v1.${name}:${faultsText(faults)}`;

function lineText({ at, who, text }: TraceLine): string {
  return `${`${(at / 1000).toFixed(3)}s`.padStart(10)} ${who.padEnd(5)} ${text}`;
}

/** The lines that tell most: faults, the user's steps and the breach, then what came right before the breach. */
function shortened(trace: readonly TraceLine[]): readonly TraceLine[] {
  const breach = trace.findIndex(({ who }) => who === 'law');
  const lines = trace.slice(0, breach < 0 ? undefined : breach + 1);
  if (lines.length <= TIMELINE_LINES) return lines;
  const chosen = new Set<TraceLine>();
  const weighty = lines.filter(({ weighty: isWeighty }) => isWeighty).toReversed();
  for (const line of weighty.filter(({ text }) => text.startsWith('fault')).slice(0, 3)) chosen.add(line);
  for (const line of weighty.slice(0, 6)) if (chosen.size < 6) chosen.add(line);
  // Reads say little; they come last.
  const rest = lines
    .toReversed()
    .sort((a, b) => Number(a.text.startsWith('reads')) - Number(b.text.startsWith('reads')));
  for (const line of rest) if (chosen.size < TIMELINE_LINES) chosen.add(line);
  return lines.filter((line) => chosen.has(line));
}
