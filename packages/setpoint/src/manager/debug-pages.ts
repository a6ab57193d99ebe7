import type { IncomingMessage } from 'node:http';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { takeCpuProfile } from './cpu-profile.ts';
import { isCrossSite } from './host-check.ts';

/** How much a page should show. */
export interface DebugQuery {
  /** Of keys and the like, so many at most. From `?limit=`, default 100. */
  readonly limit: number;
}

/** By name, what `/debug/<name>` shows at this moment: plain data, bigints and dates too, never values of objects. */
export type DebugPages = Readonly<Record<string, (query: DebugQuery) => unknown>>;

export interface Answer {
  readonly status: number;
  readonly json: string;
}

const LIMIT = 100;
const LIMIT_MAX = 10_000;
const PROFILE_SECONDS = 5;

/** Answers `/debug`, `/debug/<page>` and `/debug/profile?seconds=N`. Never rejects. */
export async function answerDebug(
  request: IncomingMessage,
  pages: DebugPages,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Answer> {
  if (isCrossSite(request)) return { status: 403, json: json({ error: 'not from another site' }) };
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const name = pathname.replace(/^\/debug\/?/, '');
  try {
    if (name === '') return found({ pages: [...Object.keys(pages), 'profile'].map((page) => `/debug/${page}`) });
    if (name === 'profile') {
      const seconds = searchParams.get('seconds');
      return {
        status: 200,
        json: await takeCpuProfile(seconds === null ? PROFILE_SECONDS : Number(seconds), clock, signal),
      };
    }
    const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
    if (!page) return { status: 404, json: json({ error: `no such page; /debug lists them` }) };
    return found(page({ limit: limitOf(searchParams.get('limit')) }));
  } catch (error) {
    return { status: statusOf(error), json: json({ error: error instanceof Error ? error.message : String(error) }) };
  }
}

const found = (shown: unknown): Answer => ({ status: 200, json: json(shown) });

function json(shown: unknown): string {
  return `${JSON.stringify(shown, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
}

function limitOf(given: string | null): number {
  const limit = given === null ? LIMIT : Number(given);
  if (Number.isInteger(limit) && limit >= 0 && limit <= LIMIT_MAX) return limit;
  throw new SetpointError('Invalid', `limit must be an integer from 0 to ${LIMIT_MAX}`);
}

function statusOf(error: unknown): number {
  if (isSetpointError(error, 'Invalid')) return 400;
  if (isSetpointError(error, 'TooManyRequests')) return 429;
  return isSetpointError(error, 'Unsupported') ? 501 : 500;
}
