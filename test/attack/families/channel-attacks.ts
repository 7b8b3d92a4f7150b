/**
 * Channels that pay what nobody vouched for, or pay it to somebody else: by gossip into the mempool, and in a block
 * with real work behind it, whose miner is the thief.
 */
import type { FaultCode } from '../../../src/core/faults.ts';
import { signHash, voucherHash } from '../../../src/core/channel.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { hash } from '../../../src/core/hash.ts';
import {
  CHANNEL_LIFETIME_MAX,
  CHANNEL_LIFETIME_MIN,
  ACCOUNT_MIN,
  CHANNELS_PER_EXPIRY_MAX,
  NANOVOLTS,
} from '../../../src/core/params.ts';
import { FEE, MINER, person, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import { bothWays, inBlock } from './tx-attacks.ts';
import type { Verdict } from '../verdict.ts';

const PROVIDER = person('a provider');
const SIGNER = person('a signer');
const LIMIT = NANOVOLTS;
/** nV of a close: what is left of it after the fee makes an account. */
const AMOUNT = 2n * ACCOUNT_MIN;

let salt = 0;
const opening = (arena: Arena, fields: object = {}, nonce?: bigint): SignedTx => {
  // Each one another, so that none is known.
  const payee = hash('seed', Uint8Array.of(1, salt & 255, salt++ >> 8));
  const ends = { provider: PROVIDER.xonly, payee, signer: SIGNER.xonly };
  const common = { type: 'channel', ...ends, limit: LIMIT, lifetime: CHANNEL_LIFETIME_MIN };
  return arena.sign(MINER, { ...common, ...fields }, nonce, FEE);
};

/** Somebody has prepaid. @returns the channel's id */
async function prepaid(arena: Arena, fields: object = {}): Promise<Uint8Array> {
  await arena.coins();
  const tx = opening(arena, fields);
  await arena.honest([tx]);
  return arena.idOf(tx);
}

async function voucher(
  arena: Arena,
  channel: Uint8Array,
  amount: bigint,
  genesis?: Uint8Array,
): Promise<Uint8Array> {
  const id = genesis ?? blockId((await arena.chain.header(0))!);
  return signHash(voucherHash(id, channel, amount), SIGNER.secret);
}

/** A close by the provider with a right voucher, but for what the fields say. */
async function closing(
  arena: Arena,
  channel: Uint8Array,
  { from = PROVIDER, amount = AMOUNT, fee = FEE, nonce = 0n } = {},
): Promise<SignedTx> {
  const fields = { type: 'close', channel, amount, voucher: await voucher(arena, channel, amount) };
  return arena.sign(from, fields, nonce, fee);
}

/** What an honest provider does: it closes with the voucher that it holds, for what a block then pays. */
export async function isPaidByChannel(arena: Arena): Promise<boolean> {
  const payee = person('a payee');
  // Its end is no height that an attack filled.
  const fields = { payee: payee.address, lifetime: CHANNEL_LIFETIME_MAX };
  const channel = await prepaid(arena, fields);
  const amount = AMOUNT;
  await arena.honest([await closing(arena, channel, { amount })]);
  return arena.balanceOf(payee) === amount - FEE;
}

/** Who saw a close in a pool sends it as his own, all of it for the fee of his block. */
async function byAStranger(arena: Arena): Promise<Verdict[]> {
  const channel = await prepaid(arena);
  const amount = AMOUNT;
  return bothWays(arena, await closing(arena, channel, { from: THIEF, amount, fee: amount }));
}

async function ofAnotherChannel(arena: Arena): Promise<Verdict[]> {
  const [used, fresh] = [await prepaid(arena), await prepaid(arena)];
  const { tx } = await closing(arena, used);
  return bothWays(arena, arena.sign(PROVIDER, { ...tx, channel: fresh }, 0n, FEE));
}

async function ofAnotherNetwork(arena: Arena): Promise<Verdict[]> {
  const channel = await prepaid(arena);
  const { tx } = await closing(arena, channel);
  const foreign = await voucher(arena, channel, AMOUNT, hash('seed'));
  return bothWays(arena, arena.sign(PROVIDER, { ...tx, voucher: foreign }, 0n, FEE));
}

/** Asker, signer and provider are one, and vouch for coins that nobody put aside. */
async function overTheLimit(arena: Arena): Promise<Verdict[]> {
  const channel = await prepaid(arena, { payee: THIEF.address });
  return bothWays(arena, await closing(arena, channel, { amount: 1_000_000n * NANOVOLTS }));
}

/** What the fee takes beyond the amount, nobody has paid. */
async function feeOverAmount(arena: Arena): Promise<Verdict[]> {
  const channel = await prepaid(arena);
  return bothWays(arena, await closing(arena, channel, { amount: 0n, fee: 1000n * NANOVOLTS }));
}

/** The same close under another id. */
const withANonce = async (arena: Arena): Promise<Verdict[]> =>
  bothWays(arena, await closing(arena, await prepaid(arena), { nonce: 7n }));

/** Once for less, and in the next block for more. */
async function twice(arena: Arena): Promise<Verdict[]> {
  const channel = await prepaid(arena);
  await arena.honest([await closing(arena, channel)]);
  return bothWays(arena, await closing(arena, channel, { amount: 2n * AMOUNT }));
}

/** Once for less, and in the same block for more. */
async function twiceInABlock(arena: Arena): Promise<Verdict[]> {
  const channel = await prepaid(arena);
  const body = [AMOUNT, 2n * AMOUNT].map((amount) => closing(arena, channel, { amount }));
  return [await inBlock(arena, await Promise.all(body))];
}

/** Leaves that cost nothing. */
async function tooSmall(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  return bothWays(arena, opening(arena, { limit: ACCOUNT_MIN - 1n }));
}

/** A channel that ends before it begins, and so never; one that outlives all bounds. */
async function outOfTime(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const lifetime = salt % 2 ? 0 : CHANNEL_LIFETIME_MAX + 1;
  return bothWays(arena, opening(arena, { lifetime }));
}

/** More coins to give back in one block than there may be: the one too many would never come back. */
async function noRoomAtItsEnd(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const nonce = arena.nonceOf(MINER);
  const fields = { limit: ACCOUNT_MIN, lifetime: CHANNEL_LIFETIME_MIN + 1 };
  const all = Array.from({ length: CHANNELS_PER_EXPIRY_MAX }, (_, i) =>
    opening(arena, fields, nonce + BigInt(i)),
  );
  await arena.honest(all);
  return bothWays(arena, opening(arena, { lifetime: CHANNEL_LIFETIME_MIN }));
}

/** Channels that all end with the next block. */
const lastBlock = (arena: Arena): Promise<Uint8Array[]> =>
  arena.once('channels that end', async () => {
    await arena.coins();
    const nonce = arena.nonceOf(MINER);
    const all = [0, 1, 2].map((i) => opening(arena, {}, nonce + BigInt(i)));
    await arena.honest(all);
    // Sooner than on schedule: else their times were too far ahead of the clock.
    for (let i = 1; i < CHANNEL_LIFETIME_MIN; i++) await arena.honest([], 1000);
    return all.map((tx) => arena.idOf(tx));
  });

/** In the block that gives all back: the same coins twice, and a fee that nobody pays. */
async function atItsEnd(arena: Arena): Promise<Verdict[]> {
  const channel = (await lastBlock(arena)).pop()!;
  return bothWays(arena, await closing(arena, channel, { fee: 50_000n }));
}

const attack = (name: string, rule: FaultCode, run: Attack['run'], runs = 2): Attack => ({
  name,
  rule,
  off: [rule],
  runs,
  run,
});

export const CHANNEL_ATTACKS: readonly Attack[] = [
  attack('close by a stranger', 'tx.close-provider', byAStranger),
  attack('voucher of another channel', 'tx.close-voucher', ofAnotherChannel),
  attack('voucher of another network', 'tx.close-voucher', ofAnotherNetwork),
  {
    ...attack('close over the limit', 'tx.close-amount', overTheLimit),
    hasWon: async (arena) => arena.balanceOf(THIEF) > 100_000n * NANOVOLTS,
  },
  attack('close with a fee over its amount', 'tx.close-fee', feeOverAmount),
  attack('close with a nonce', 'tx.close-nonce', withANonce),
  attack('close twice', 'tx.close-unknown', twice),
  attack('close twice in one block', 'tx.close-unknown', twiceInABlock),
  attack('channel for next to nothing', 'tx.channel-limit', tooSmall),
  attack('channel without an end', 'tx.channel-lifetime', outOfTime),
  attack('close in the block of its end', 'tx.close-unknown', atItsEnd),
  // Last, since the height that it fills takes no other channel.
  attack('channel without room at its end', 'tx.channel-full', noRoomAtItsEnd, 1),
];
