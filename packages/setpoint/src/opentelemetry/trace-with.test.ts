import * as api from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { defineResource } from '../resource/index.ts';
import { type ControllerDefinition, createManager, defineController } from '../runtime/index.ts';
import { memoryStore } from '../store/index.ts';
import { traceWith } from './trace-with.ts';

const names = { group: 'demo.dev', version: 'v1' };
const spec = z.object({ message: z.string() });
const Server = defineResource({ ...names, kind: 'Server', plural: 'servers', spec });
const Website = defineResource({ ...names, kind: 'Website', plural: 'websites', spec });

const exporter = new InMemorySpanExporter();
beforeEach(() => {
  exporter.reset();
  api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
afterEach(() => api.trace.disable());

const websites = defineController(Website, {
  owns: [Server],
  async reconcile({ object, owned }) {
    await owned(Server).apply({ name: object.metadata.name, spec: object.spec });
  },
});

/** Runs a manager with a Website in it for a second of virtual time, traced. */
async function traced(controllers: ControllerDefinition[]): Promise<void> {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const tracing = traceWith(api, { clock });
  const manager = createManager({ store, controllers, clock, random: seededRandom(1) });
  const abort = new AbortController();
  const run = manager.run(abort.signal);
  await clock.advance(0);
  await manager.client.resource(Website).create({ name: 'web', spec: { message: 'a secret' } });
  await clock.advance(1000);
  tracing.stop();
  abort.abort();
  await run;
}

/** As much of a context manager as a call that returns needs. */
class SyncContexts implements api.ContextManager {
  #active = api.ROOT_CONTEXT;
  active(): api.Context {
    return this.#active;
  }
  with: api.ContextManager['with'] = (context, work, self, ...args) => {
    const before = this.#active;
    this.#active = context;
    try {
      return work.call(self as never, ...args);
    } finally {
      this.#active = before;
    }
  };
  bind: api.ContextManager['bind'] = (_context, target) => target;
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
const linksOf = (span: ReturnType<typeof spans>[number]) => span.links.map(({ context }) => context.spanId);

describe('traceWith', () => {
  it('I-193: links a write to its watch event, to the reconcile after its queue, and that to the writes it makes', async () => {
    await traced([websites]);
    const [created] = spans('write Website');
    const [seen] = spans('watch Website');
    const [reconciled, again] = spans('reconcile websites');
    const [applied] = spans('write Server');
    expect(created!.attributes).toMatchObject({ 'setpoint.key': 'default/web', 'setpoint.applied': true });
    expect(seen!.attributes['setpoint.revision']).toBe(created!.attributes['setpoint.revision']);
    expect(linksOf(reconciled!)).toContain(seen!.spanContext().spanId);
    // From the one that was there first to the other: the event may come before the write's answer.
    const [write, batch] = [created!, seen!].map((span) => span.spanContext().spanId);
    expect(linksOf(seen!).includes(write!) || linksOf(created!).includes(batch!)).toBe(true);
    const [queued] = spans('queue websites').filter(
      ({ parentSpanContext }) => parentSpanContext?.spanId === reconciled!.spanContext().spanId,
    );
    expect(queued).toBeDefined();
    expect(applied!.parentSpanContext?.spanId).toBe(reconciled!.spanContext().spanId);
    // The write of the Server comes back through its cache to its owner.
    const [back] = spans('watch Server');
    expect(linksOf(again!)).toContain(back!.spanContext().spanId);
    expect(again!.spanContext().traceId).not.toBe(reconciled!.spanContext().traceId);
    expect(
      JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events }) => [attributes, events])),
    ).not.toContain('secret');
  });

  it('marks a reconcile that failed, with its result', async () => {
    await traced([
      defineController(Website, {
        reconcile: () => {
          throw new Error('no servers left');
        },
      }),
    ]);
    const [failed] = spans('reconcile websites');
    expect(failed!.status).toEqual({ code: api.SpanStatusCode.ERROR, message: 'no servers left' });
    expect(failed!.attributes).toMatchObject({ 'setpoint.result': 'error', 'setpoint.attempt': 1 });
    expect(spans('reconcile websites')[1]!.attributes['setpoint.attempt']).toBe(2);
  });

  it('makes spans of the user children of the reconcile, inside of within', async () => {
    api.context.setGlobalContextManager(new SyncContexts());
    const tracing = traceWith(api);
    expect(tracing.within(() => 7)).toBe(7);
    const own = defineController(Website, {
      reconcile: async () => {
        await Promise.resolve();
        tracing.within(() => api.trace.getTracer('mine').startSpan('mine').end());
      },
    });
    await traced([own]);
    tracing.stop();
    api.context.disable();
    const parents = exporter.getFinishedSpans().filter(({ name }) => name === 'reconcile websites');
    const [mine] = spans('mine');
    expect(parents.map((span) => span.spanContext().spanId)).toContain(mine!.parentSpanContext?.spanId);
  });

  it('makes no span once it is stopped, and refuses what is no API', async () => {
    traceWith(api).stop();
    const before = exporter.getFinishedSpans().length;
    const store = memoryStore();
    await createManager({ store })
      .client.resource(Website)
      .create({ name: 'x', spec: { message: '' } });
    expect(exporter.getFinishedSpans()).toHaveLength(before);
    expect(() => traceWith({} as never)).toThrow('Invalid');
  });
});
