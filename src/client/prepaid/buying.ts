/** What whoever buys answers does alike: a person's client, a node for its callers, and a program. */
import { ACCOUNT_MIN } from '../../core/params.ts';
import { equal } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { pause } from '../../lib/pause.ts';
import type { Prepaid, PrepaidApi } from '../api.ts';
import { OPENING_PEER_RATE } from '../channels/terms.ts';

/** Blocks after which what is left of a channel comes back by itself. */
export const CHANNEL_LIFETIME = 10_080;
/** nV for the close's fee: several times what one is. */
const CLOSE_MARGIN = 100_000n;
/**
 * nV that a channel has to hold for an answer of this cost, since a provider refuses one whose close would bring it
 * nothing: where its account is new, the close also has to make that.
 */
export const limitAtLeast = (cost: bigint): bigint => cost + CLOSE_MARGIN + ACCOUNT_MIN;

/**
 * A channel that pays a provider `cost` nV more: one that is there, or a new one. One that is too small is then closed,
 * and its rest comes back; where nothing was paid no close can be made, and a smaller question fits.
 * @param isFree whether a question may be asked over it @param open a new one
 */
export async function channelFor(
  api: Pick<PrepaidApi, 'channels' | 'closeChannel'>,
  { provider, cost }: { readonly provider: Uint8Array; readonly cost: bigint },
  isFree: (channel: Prepaid) => boolean,
  open: () => Promise<Prepaid>,
): Promise<Prepaid> {
  const own = (await api.channels()).filter(
    (each) =>
      equal(each.provider, provider) &&
      (each.state === 'open' || each.state === 'waiting') &&
      isFree(each),
  );
  const fitting = own.find(({ limit, spent }) => limit - spent >= cost);
  if (fitting) return fitting;
  for (const { id, isBusy, spent } of own) if (!isBusy && spent > 0n) await api.closeChannel(id);
  return open();
}

/** Providers that one question is tried with: each that takes coins and answers nothing costs an opening. */
export const TRIES_MAX = 3;

const OF_CHANNELS = /^CHANNEL_(SHALLOW|UNSEEN|CLOSED|ENDING|SMALL|REPLACED)/;

/**
 * Whether a question failed by its provider alone: another one may answer. So it is for all that a provider may refuse
 * with: else the cheapest offer of one who always says the same keeps everybody from being answered.
 */
export const isOfProvider = (error: unknown): boolean => {
  const { code } = AppError.from(error);
  return /^(PROVIDER_|MODEL_UNOFFERED|PRICE_LOW)/.test(code) || OF_CHANNELS.test(code);
};

/** Channels of one question that may be lost. */
const LOST_MAX = 3;

/**
 * Whether a channel was lost that nothing was paid over, by nobody's fault: a branch was taken that left its opening
 * out, as where the account is so new that the other branch made it in another block. A new one may be opened then,
 * a few times for one question.
 */
export function createLost(): (error: unknown) => boolean {
  let left = LOST_MAX;
  return (error) => AppError.from(error).code === 'CHANNEL_LOST' && left-- > 0;
}

/** Askings of one question that come as fast as heads do: two such questions at once are not too many for a provider. */
const AT_ONCE = OPENING_PEER_RATE.burst / 2;
/** ms between those that follow. Blocks may come faster, and who asks more often is refused as one of too many. */
const BETWEEN_MS = 1000 / OPENING_PEER_RATE.perSecond;

const NEVER = new AbortController().signal;

/** Refusals that a further block mends. */
const EARLY: ReadonlySet<ErrorCode> = new Set(['CHANNEL_SHALLOW', 'CHANNEL_UNSEEN']);

export const notWanted = (): AppError =>
  new AppError('PASS_ABORTED', 'nobody waits for this answer');

/** @param signal aborted where nobody waits for the answer any more @throws AppError PASS_ABORTED */
export function requireWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw notWanted();
}

/**
 * Asks again after each of `heads` changes of the chain at most, where the provider wants the channel to be deeper in it.
 * @throws AppError as `ask`, `nextHead` and requireWanted
 */
export async function untilDeepEnough<Answer>(
  ask: () => Promise<Answer>,
  nextHead: () => Promise<void>,
  heads: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  for (let seen = 0; ; seen++) {
    requireWanted(signal);
    try {
      return await ask();
    } catch (error) {
      if (seen >= heads || !EARLY.has(AppError.from(error).code)) throw error;
    }
    await nextHead();
    if (seen >= AT_ONCE - 1) await pause(BETWEEN_MS, signal ?? NEVER);
  }
}
