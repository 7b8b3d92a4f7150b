/** What whoever buys answers does alike. */
import { expect, it, vi } from 'vitest';
import { OPENING_PEER_RATE } from '../../../src/client/channels/terms.ts';
import { untilDeepEnough } from '../../../src/client/prepaid/buying.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { pause } from '../../../src/lib/pause.ts';
import { RateLimiter } from '../../../src/net/rate.ts';

const shallow = () => Promise.reject(new AppError('CHANNEL_SHALLOW', 'a block more'));
const atOnce = () => Promise.resolve();

it('a question is asked again at each head, as often as that is given', async () => {
  const ask = vi.fn(shallow);
  const asking = untilDeepEnough(ask, atOnce, 3, undefined);
  await expect(asking).rejects.toMatchObject({ code: 'CHANNEL_SHALLOW' });
  expect(ask).toHaveBeenCalledTimes(4);
  const gone = vi.fn(() => Promise.reject(new AppError('PROVIDER_GONE', 'it left')));
  const failing = untilDeepEnough(gone, atOnce, 3, undefined);
  await expect(failing).rejects.toMatchObject({ code: 'PROVIDER_GONE' });
  expect(gone).toHaveBeenCalledTimes(1);
});

it('however fast heads come, a provider is not asked more often than it looks at the chain for a peer', async () => {
  vi.useFakeTimers();
  try {
    const looks = new RateLimiter(OPENING_PEER_RATE);
    const ask = vi.fn(() =>
      looks.take('', 1, Date.now()) ? shallow() : Promise.reject(new AppError('PROVIDER_BUSY', '')),
    );
    const nextHead = () => pause(10, new AbortController().signal);
    const asking = untilDeepEnough(ask, nextHead, 40, undefined);
    const ended = expect(asking).rejects.toMatchObject({ code: 'CHANNEL_SHALLOW' });
    await vi.runAllTimersAsync();
    await ended;
    expect(ask).toHaveBeenCalledTimes(41);
  } finally {
    vi.useRealTimers();
  }
});

it('a question that nobody waits for any more is not asked again, nor paid', async () => {
  const ask = vi.fn(shallow);
  const over = new AbortController();
  const nextHead = () => Promise.resolve(over.abort());
  const asking = untilDeepEnough(ask, nextHead, 3, over.signal);
  await expect(asking).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  expect(ask).toHaveBeenCalledTimes(1);
});
