/** `POST /faucet {"address"}`: coins on request, on networks whose genesis has a faucet. */
import { FAUCET_SECRET, NANOVOLTS } from '../../core/params.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { fromHex, toHex, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { requireRules } from './health.ts';
import { AddressRate } from '../../net/address-rate.ts';
import { readBody, requireJson, sendJson, type Route } from './http.ts';
import type { SeedDeps } from '../seed/seed-deps.ts';
import { createSender } from '../seed/sender.ts';
import { addressFrom } from '../../wallet/address.ts';

/** nV given at once: 10,000 times what a channel holds at least. */
const GIFT = 100n * NANOVOLTS;
/** ms until the same address can get coins again. */
const WAIT_MS = 30_000;
const REMEMBERED_MAX = 10_000;
/** Gifts to one caller. */
export const GIFT_RATE = { perSecond: 1 / 30, burst: 10 };

/** @param isMined whether a block for what waits is worked on, as far as this node knows; may begin one */
export function createFaucet(
  { chain, transport, callers, outlook, log }: SeedDeps,
  isMined: () => boolean,
): Route {
  const { params } = chain;
  const sender = createSender({ chain, params, transport }, fromHex(FAUCET_SECRET, 32)!);
  const rate = new AddressRate(callers.standsForMany, GIFT_RATE);
  const given = new BoundedMap<string, number>(REMEMBERED_MAX);

  async function give(to: Uint8Array): Promise<void> {
    const gift = { to, amount: GIFT, fee: sender.feeFor('transfer'), memo: utf8('faucet') };
    await sender.send({ type: 'transfer', ...gift }).catch((cause: unknown) => {
      throw new AppError('FAUCET_LATER', `not now: ${AppError.from(cause).message}`, { cause });
    });
    log.info('faucet', { to: toHex(to).slice(0, 16) });
  }

  return async (request, response) => {
    if (!params.faucet) throw new AppError('FAUCET_OFF', 'this network has no faucet');
    requireRules(outlook());
    requireJson(request);
    if (!rate.take(callers.of(request), Date.now()))
      throw new AppError('RATE_LIMIT', 'too many gifts to this address');
    const { address: text } = parse(await readBody(request));
    const address = addressFrom(text, params.prefix);
    if (!address) throw new AppError('ADDRESS_MALFORMED', `not an address of ${params.network}`);
    const key = toHex(address);
    if (Date.now() - (given.get(key) ?? 0) < WAIT_MS)
      throw new AppError('FAUCET_LATER', `this address was given coins; wait ${WAIT_MS / 1000} s`);
    given.set(key, Date.now());
    try {
      await give(address);
    } catch (e) {
      given.delete(key);
      throw e;
    }
    sendJson(response, 200, { amount: GIFT.toString(), mining: isMined() });
  };
}

function parse(body: string): { address: string } {
  try {
    const { address } = JSON.parse(body) as { address?: unknown };
    if (typeof address === 'string') return { address };
  } catch {
    // A malformed body is refused below.
  }
  throw new AppError('BODY_MALFORMED', 'the body is {"address": "…"}');
}
