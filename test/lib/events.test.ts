import { expect, test } from 'vitest';
import { Emitter } from '../../src/lib/events.ts';

interface Events {
  number: number;
  nothing: void;
}

test('listeners hear their event alone, in the order in which they came, until they are removed', () => {
  const events = new Emitter<Events>();
  const heard: unknown[] = [];
  const first = events.on('number', (n) => heard.push(n));
  events.on('number', (n) => heard.push(-n));
  events.on('nothing', () => heard.push('nothing'));
  events.emit('number', 1);
  first();
  first();
  events.emit('number', 2);
  events.emit('nothing');
  expect(heard).toEqual([1, -1, -2, 'nothing']);
});

test('one listener added twice hears twice, and is removed once at a time', () => {
  const events = new Emitter<Events>();
  let heard = 0;
  const listener = () => void heard++;
  const remove = events.on('nothing', listener);
  events.on('nothing', listener);
  events.emit('nothing');
  remove();
  events.emit('nothing');
  expect(heard).toBe(3);
});

test('who is removed while an event is on its way still hears it, who is added does not', () => {
  const events = new Emitter<Events>();
  const heard: string[] = [];
  events.on('nothing', () => {
    heard.push('first');
    removeSecond();
    events.on('nothing', () => heard.push('late'));
  });
  const removeSecond = events.on('nothing', () => heard.push('second'));
  events.emit('nothing');
  expect(heard).toEqual(['first', 'second']);
});

test('a listener that throws is reported, and the others hear the event', () => {
  const events = new Emitter<Events>();
  const heard: number[] = [];
  const tasks: (() => void)[] = [];
  const real = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (task) => void tasks.push(task);
  try {
    events.on('number', () => {
      throw new Error('a bug of this listener');
    });
    events.on('number', (n) => heard.push(n));
    events.emit('number', 7);
  } finally {
    globalThis.queueMicrotask = real;
  }
  expect(heard).toEqual([7]);
  expect(tasks).toHaveLength(1);
  expect(tasks[0]).toThrow('a bug of this listener');
});

test('one event has at most 64 listeners', () => {
  const events = new Emitter<Events>();
  const removers = Array.from({ length: 64 }, () => events.on('nothing', () => undefined));
  expect(() => events.on('nothing', () => undefined)).toThrow('over 64 listeners of nothing');
  events.on('number', () => undefined);
  removers[0]!();
  events.on('nothing', () => undefined);
});
