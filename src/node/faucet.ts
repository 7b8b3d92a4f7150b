/** `POST /faucet {"address"}`: coins for the asking on networks whose genesis has a faucet. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf, parseAddress } from '../core/address.ts';
import { isFault } from '../core/faults.ts';
import { FAUCET_SECRET, NANOVOLTS } from '../core/params.ts';
import { signTx } from '../core/tx.ts';
import { BoundedMap } from '../lib/bounded.ts';
import { equal, fromHex, toHex, utf8 } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { SerialQueue } from '../lib/queue.ts';
import { readBody, sendJson, type Route } from './http.ts';
import type { SeedParts } from './seed.ts';

/** nV given at once. */
const GIFT = 100n * NANOVOLTS;
/** ms until the same address is given again. */
const WAIT_MS = 30_000;
const REMEMBERED_MAX = 10_000;
const QUEUE_MAX = 100;
const FEE = 10_000n;
/** Blocks in which a gift may still be mined. */
const LIFETIME = 200;

export function createFaucet({ chain, network, transport, log }: SeedParts): Route {
  const { params } = network;
  const secret = fromHex(FAUCET_SECRET, 32)!;
  const from = schnorr.getPublicKey(secret);
  const given = new BoundedMap<string, number>(REMEMBERED_MAX);
  /** Two at once would take the same nonce. */
  const queue = new SerialQueue(QUEUE_MAX);
  let sequence = 0;

  /** After those that wait: other nodes' faucets give from the same account. */
  const nextNonce = (): number =>
    chain.mempool
      .byFee()
      .filter(({ tx }) => equal(tx.from, from))
      .reduce((n, { tx }) => Math.max(n, tx.nonce + 1), chain.account(addressOf(from))?.nonce ?? 0);

  async function give(address: Uint8Array): Promise<void> {
    const nonce = nextNonce();
    const expiry = chain.head().header.height + LIFETIME;
    const { chainId } = params;
    const tx = signTx(
      {
        ...{ type: 'transfer', chainId, from, nonce, expiry, fee: FEE, to: address },
        ...{ amount: GIFT, memo: utf8('faucet') },
      },
      secret,
    );
    const refused = await chain.addTx(tx);
    if (isFault(refused)) throw new AppError('FAUCET_LATER', `not now: ${refused.fault}`);
    await transport.announceTx({ tx, sequence: ++sequence });
    log.info('faucet', { to: toHex(address).slice(0, 16) });
  }

  return async (request, response) => {
    if (!params.faucet) throw new AppError('FAUCET_OFF', 'this network has no faucet');
    const { address: text } = parse(await readBody(request));
    const address = parseAddress(text, params.prefix);
    if (!address) throw new AppError('ADDRESS_MALFORMED', `not an address of ${params.network}`);
    const key = toHex(address);
    if (Date.now() - (given.get(key) ?? 0) < WAIT_MS)
      throw new AppError('FAUCET_LATER', `this address was given coins; wait ${WAIT_MS / 1000} s`);
    given.set(key, Date.now());
    try {
      await queue.run(() => give(address));
    } catch (e) {
      given.delete(key);
      throw e;
    }
    sendJson(response, 200, { amount: GIFT.toString() });
  };
}

function parse(body: string): { address: string } {
  try {
    const { address } = JSON.parse(body);
    if (typeof address === 'string') return { address };
  } catch {
    // Told below.
  }
  throw new AppError('BODY_MALFORMED', 'the body is {"address": "…"}');
}
