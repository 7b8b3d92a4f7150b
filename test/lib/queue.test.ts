import { expect, test } from 'vitest';
import { SerialQueue } from '../../src/lib/queue.ts';

test('tasks run one at a time, in order', async () => {
  const queue = new SerialQueue(10);
  const seen: string[] = [];
  const task = (name: string) => async () => {
    seen.push(`${name} starts`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    return name;
  };
  expect(await Promise.all([queue.run(task('a')), queue.run(task('b'))])).toEqual(['a', 'b']);
  expect(seen).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
});

test('a failed task, thrown or rejected, does not stop the next', async () => {
  const queue = new SerialQueue(3);
  const thrown = queue.run(() => {
    throw new Error('thrown');
  });
  const rejected = queue.run(() => Promise.reject(new Error('rejected')));
  const fine = queue.run(() => 1);
  await expect(thrown).rejects.toThrow('thrown');
  await expect(rejected).rejects.toThrow('rejected');
  expect(await fine).toBe(1);
});

test('over the bound it refuses, and takes tasks again when there is room', async () => {
  const queue = new SerialQueue(2);
  const gate = Promise.withResolvers<void>();
  const held = [queue.run(() => gate.promise), queue.run(() => {})];
  await expect(queue.run(() => {})).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  expect(queue.size).toBe(2);
  gate.resolve();
  await Promise.all(held);
  await queue.idle();
  expect(queue.size).toBe(0);
  expect(await queue.run(() => 'again')).toBe('again');
});

test('who leaves before the turn keeps no place, and who leaves later changes nothing', async () => {
  const queue = new SerialQueue(2);
  const gate = Promise.withResolvers<string>();
  const [first, second] = [new AbortController(), new AbortController()];
  const held = queue.run(() => gate.promise, first.signal);
  await Promise.resolve();
  await Promise.resolve();
  let hasRun = false;
  const left = queue.run(() => void (hasRun = true), second.signal);
  first.abort();
  second.abort();
  expect(queue.size).toBe(1);
  await expect(left).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  await expect(queue.run(() => {}, second.signal)).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  const next = queue.run(() => 'next');
  const idle = queue.idle();
  gate.resolve('held');
  await idle;
  expect([await held, await next, hasRun, queue.size]).toEqual(['held', 'next', false, 0]);
});
