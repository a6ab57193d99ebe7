import { describe, expect, it } from 'vitest';
import { settle } from './fake-clock.ts';
import { IsolatedEmitter } from './isolated-emitter.ts';

interface Events {
  news: number;
  error: Error;
}

function emitter() {
  const fallen: [unknown, string][] = [];
  return { fallen, events: new IsolatedEmitter<Events>((error, event) => fallen.push([error, event])) };
}

describe('IsolatedEmitter', () => {
  it('I-177: a listener that throws, or rejects later, stops no other and reaches the fallback', async () => {
    const { fallen, events } = emitter();
    const heard: number[] = [];
    events.on('news', () => {
      throw new Error('thrown');
    });
    events.on('news', () => Promise.reject(new Error('rejected')));
    events.on('news', (payload) => heard.push(payload));
    events.emit('news', 1);
    await settle();
    expect(heard).toEqual([1]);
    expect(fallen.map(([error, event]) => [String(error), event])).toEqual([
      ['Error: thrown', 'news'],
      ['Error: rejected', 'news'],
    ]);
  });

  it('F-92: an error that nobody listens to reaches the fallback, other events may go unheard', () => {
    const { fallen, events } = emitter();
    const error = new Error('unheard');
    events.emit('error', error);
    events.emit('news', 1);
    expect(fallen).toEqual([[error, 'error']]);
    const heard: Error[] = [];
    events.on('error', (payload) => heard.push(payload));
    events.emit('error', error);
    expect(heard).toEqual([error]);
    expect(fallen).toHaveLength(1);
  });

  it('F-105: removing one registration leaves others of the same function; one added meanwhile hears the next event', () => {
    const { events } = emitter();
    const heard: number[] = [];
    const listener = (payload: number): number => heard.push(payload);
    const remove = events.on('news', listener);
    events.on('news', listener);
    events.emit('news', 1);
    remove();
    remove();
    events.on('news', () => events.on('news', (payload) => heard.push(payload * 10)));
    events.emit('news', 2);
    expect(heard).toEqual([1, 1, 2]);
    events.emit('news', 3);
    expect(heard).toEqual([1, 1, 2, 3, 30]);
  });
});
