/** What programs are given beside the client's API: answers that are read as they come, and events that wait. */
import { expect, it } from 'vitest';
import type { ChainStatus, ClientEvent } from '../../src/client/api.ts';
import { AppError } from '../../src/lib/errors.ts';
import { answerOf } from '../../src/package/answer.ts';
import { createInbox } from '../../src/package/inbox.ts';
import { pilaOf } from '../../src/package/pila.ts';

/** Notes how it was left. */
function writing(left: string[], failure?: Error): AsyncGenerator<string, number> {
  async function* write(): AsyncGenerator<string, number> {
    try {
      yield 'one ';
      if (failure) throw failure;
      yield 'two';
      return 2;
    } finally {
      left.push('over');
    }
  }
  return write();
}

async function read(pieces: AsyncIterable<string>): Promise<string[]> {
  const got: string[] = [];
  for await (const piece of pieces) got.push(piece);
  return got;
}

it('an answer is read piece by piece, then whole; or whole at once', async () => {
  const answer = answerOf(() => writing([]));
  expect(await read(answer)).toEqual(['one ', 'two']);
  expect(await answer.whole()).toBe(2);
  expect(await answerOf(() => writing([])).whole()).toBe(2);
});

it('leaving the loop, or stop, ends what writes, and the answer is never whole', async () => {
  const left: string[] = [];
  const answer = answerOf(() => writing(left));
  for await (const piece of answer) {
    expect(piece).toBe('one ');
    break;
  }
  expect(left).toEqual(['over']);
  await expect(answer.whole()).rejects.toMatchObject({ code: 'PASS_ABORTED' });

  const unread = answerOf(() => writing([]));
  await unread.stop();
  await expect(unread.whole()).rejects.toMatchObject({ code: 'PASS_ABORTED' });
});

it('stop ends what an answer waits for, though its reader waits for it too', async () => {
  const answer = answerOf<number>(async function* (over) {
    yield 'one ';
    await new Promise((resolve) => over.addEventListener('abort', resolve));
    throw new AppError('PASS_ABORTED', 'nobody wants it');
  });
  const pieces = answer[Symbol.asyncIterator]();
  expect((await pieces.next()).value).toBe('one ');
  const next = pieces.next();
  await Promise.all([expect(next).rejects.toMatchObject({ code: 'PASS_ABORTED' }), answer.stop()]);
});

it('what an answer fails with is told to who reads it, and to who waits for the whole', async () => {
  const failure = new AppError('INPUT_LONG', '70 tokens; it takes 64');
  const answer = answerOf(() => writing([], failure));
  await expect(read(answer)).rejects.toBe(failure);
  await expect(answer.whole()).rejects.toBe(failure);
  await expect(answerOf(() => writing([], failure)).whole()).rejects.toBe(failure);
});

it('of values that nobody reads the newest stay', async () => {
  const inbox = createInbox<number>(2);
  for (const value of [1, 2, 3]) inbox.push(value);
  inbox.end();
  inbox.push(4);
  expect([await inbox.next(), await inbox.next(), await inbox.next()]).toEqual([2, 3, undefined]);
});

it('a reader waits for the next value, alone, and hears what ended them', async () => {
  const inbox = createInbox<number>(2);
  const next = inbox.next();
  await expect(inbox.next()).rejects.toMatchObject({ code: 'BUSY' });
  inbox.push(1);
  expect(await next).toBe(1);
  inbox.end(new AppError('NO_MINER', 'none here'));
  await expect(inbox.next()).rejects.toMatchObject({ code: 'NO_MINER' });
});

it('a peer is at the head once another has the same, not where the only one gave no answer', async () => {
  const statuses: Pick<ChainStatus, 'sync' | 'peersAgreeing'>[] = [
    { sync: 'syncing', peersAgreeing: 0 },
    { sync: 'synced', peersAgreeing: 0 },
    { sync: 'syncing', peersAgreeing: 1 },
    // Its own block, which nobody has yet.
    { sync: 'synced', peersAgreeing: 0 },
  ];
  let looks = 0;
  const api = { status: async () => ({ chain: statuses[looks++] }) };
  const listeners = new Set<(event: ClientEvent) => void>();
  const on = (listener: (event: ClientEvent) => void) => {
    listeners.add(listener);
    queueMicrotask(() => listener({ type: 'chain' } as ClientEvent));
    return () => void listeners.delete(listener);
  };
  const config = { network: 'e2e', bootstrap: [], genesis: undefined } as const;
  const peer = { api: api as never, on, stop: async () => undefined };
  await pilaOf({ config, peer }).synced();
  expect([looks, listeners.size]).toEqual([statuses.length, 0]);
});
