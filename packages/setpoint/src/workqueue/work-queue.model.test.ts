import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { exponentialLimiter } from './exponential-limiter.ts';
import { WorkQueue } from './work-queue.ts';

/** Fewer where each mutant of the queue has to pass here. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 300);
const BASE_MS = 2;
const MAX_MS = 40;
const KEYS = ['a', 'b', 'c', 'd'];

/** The queue as one would explain it: lists that are searched, and no cleverness. */
class NaiveQueue {
  now = 0;
  ready: string[] = [];
  held: string[] = [];
  /** Added while held. */
  dirty: string[] = [];
  delayed: { key: string; at: number }[] = [];
  failures: Record<string, number> = {};
  shuttingDown = false;
  /** The answers of all gets, in order; undefined fields are still waiting. */
  gets: { answer?: { key: string | undefined } }[] = [];
  /** How often a listener must have been told. */
  told = 0;
  /** What each drain came to; undefined while it waits. */
  drains: { left?: string[] }[] = [];

  add(key: string): void {
    if (this.shuttingDown) return;
    this.delayed = this.delayed.filter((one) => one.key !== key);
    if (this.ready.includes(key) || this.dirty.includes(key)) return;
    if (this.held.includes(key)) this.dirty.push(key);
    else this.becomeReady(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.shuttingDown) return;
    if (delayMs <= 0) return this.add(key);
    if (this.ready.includes(key) || this.dirty.includes(key)) return;
    const at = this.now + delayMs;
    const pending = this.delayed.find((one) => one.key === key);
    if (pending && pending.at <= at) return;
    this.delayed = [...this.delayed.filter((one) => one.key !== key), { key, at }];
  }

  addRateLimited(key: string): number {
    if (this.shuttingDown) return 0;
    const failed = this.failures[key] ?? 0;
    this.failures[key] = failed + 1;
    const delayMs = Math.min(BASE_MS * 2 ** failed, MAX_MS);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  becomeReady(key: string): void {
    this.ready.push(key);
    const waiting = this.gets.find((get) => !get.answer);
    if (waiting) waiting.answer = { key: this.tryGet() };
    else this.told++;
  }

  tryGet(): string | undefined {
    const key = this.ready.shift();
    if (key !== undefined) this.held.push(key);
    return key;
  }

  get(): void {
    const key = this.tryGet();
    this.gets.push(key !== undefined || this.shuttingDown ? { answer: { key } } : {});
  }

  done(key: string): void {
    if (!this.held.includes(key)) return;
    this.held = this.held.filter((one) => one !== key);
    if (this.dirty.includes(key)) {
      this.dirty = this.dirty.filter((one) => one !== key);
      this.becomeReady(key);
    }
    this.endDrainsWhenIdle();
  }

  advance(byMs: number): void {
    const end = this.now + byMs;
    const due = this.delayed.filter((one) => one.at <= end).sort((one, other) => one.at - other.at);
    for (const { key, at } of due) {
      this.now = at;
      this.add(key);
    }
    this.now = end;
  }

  shutDown(): void {
    this.close();
    for (const drain of this.drains) drain.left ??= [...this.ready, ...this.held].sort();
  }

  drain(): void {
    this.drains.push({});
    this.close();
    this.endDrainsWhenIdle();
  }

  close(): void {
    this.shuttingDown = true;
    this.delayed = [];
    for (const get of this.gets) get.answer ??= { key: undefined };
  }

  endDrainsWhenIdle(): void {
    if (!this.shuttingDown || this.ready.length + this.held.length > 0) return;
    for (const drain of this.drains) drain.left ??= [];
  }
}

/** The real queue with what a test sees of it. */
class Subject {
  readonly clock = new FakeClock();
  readonly queue = new WorkQueue({
    clock: this.clock,
    rateLimiter: exponentialLimiter({ baseMs: BASE_MS, maxMs: MAX_MS }),
  });
  gets: { answer?: { key: string | undefined } }[] = [];
  drains: { left?: string[] }[] = [];
  told = 0;

  constructor() {
    this.queue.onReady(() => this.told++);
  }

  get(): void {
    const get: (typeof this.gets)[number] = {};
    this.gets.push(get);
    void this.queue.get().then((key) => (get.answer = { key }));
  }

  drain(): void {
    const drain: (typeof this.drains)[number] = {};
    this.drains.push(drain);
    void this.queue.drain().then(({ left }) => (drain.left = [...left].sort()));
  }
}

function expectAgreement(model: NaiveQueue, { queue, clock, ...seen }: Subject): void {
  expect(queue.length).toBe(model.ready.length);
  expect(queue.processing).toBe(model.held.length);
  expect(queue.waiting).toBe(model.delayed.length);
  expect(queue.shuttingDown).toBe(model.shuttingDown);
  expect(KEYS.map((key) => queue.failures(key))).toEqual(KEYS.map((key) => model.failures[key] ?? 0));
  expect(seen.gets).toEqual(model.gets);
  expect(seen.drains).toEqual(model.drains);
  expect(seen.told).toBe(model.told);
  expect(clock.pendingTimers === 0).toBe(model.delayed.length === 0);
}

class Command implements fc.AsyncCommand<NaiveQueue, Subject> {
  readonly #name: string;
  readonly #run: (model: NaiveQueue, subject: Subject) => unknown;

  constructor(name: string, run: (model: NaiveQueue, subject: Subject) => unknown) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(model: NaiveQueue, subject: Subject): Promise<void> {
    await this.#run(model, subject);
    await settle();
    expectAgreement(model, subject);
  }

  toString(): string {
    return this.#name;
  }
}

/** A call of the same name and arguments on both, which must return the same. */
const onBoth = (method: 'add' | 'addAfter' | 'addRateLimited' | 'done' | 'tryGet' | 'shutDown', ...args: unknown[]) =>
  new Command(`${method}(${args.join(', ')})`, (model, { queue }) => {
    const call = (target: object): unknown =>
      (target as Record<string, (...given: unknown[]) => unknown>)[method]!(...args);
    expect(call(queue)).toBe(call(model));
  });

const key = fc.constantFrom(...KEYS);
const commands = [
  key.map((one) => onBoth('add', one)),
  fc.tuple(key, fc.constantFrom(-1, 0, 1, 5, 5, 10, 30)).map(([one, delayMs]) => onBoth('addAfter', one, delayMs)),
  key.map((one) => onBoth('addRateLimited', one)),
  fc.constant(onBoth('tryGet')),
  key.map((one) => onBoth('done', one)),
  key.map((one) => onBoth('done', one)),
  fc.constant(
    new Command('get()', (model, subject) => {
      model.get();
      subject.get();
    }),
  ),
  key.map(
    (one) =>
      new Command(`forget(${one})`, (model, { queue }) => {
        delete model.failures[one];
        queue.forget(one);
      }),
  ),
  fc.constantFrom(1, 3, 5, 10, 50).map(
    (byMs) =>
      new Command(`advance(${byMs})`, async (model, { clock }) => {
        model.advance(byMs);
        await clock.advance(byMs);
      }),
  ),
];
const endings = [
  fc.constant(onBoth('shutDown')),
  fc.constant(
    new Command('drain()', (model, subject) => {
      model.drain();
      subject.drain();
    }),
  ),
];

describe('the queue and a naive model of it', () => {
  it('I-1…I-8, I-10…I-14, I-22…I-25, I-34: agree after every step of any sequence of calls', async () => {
    const live = fc.commands(commands, { maxCommands: 80, size: 'max' });
    await fc.assert(
      fc.asyncProperty(live, (sequence) =>
        fc.asyncModelRun(() => ({ model: new NaiveQueue(), real: new Subject() }), sequence),
      ),
      { numRuns: RUNS },
    );
  }, 60_000);

  it('I-9…I-13, I-25: agree also when the queue is shut down or drained on the way', async () => {
    const ending = fc.commands([...commands, ...endings], { maxCommands: 60, size: 'max' });
    await fc.assert(
      fc.asyncProperty(ending, (sequence) =>
        fc.asyncModelRun(() => ({ model: new NaiveQueue(), real: new Subject() }), sequence),
      ),
      { numRuns: RUNS },
    );
  }, 60_000);
});
