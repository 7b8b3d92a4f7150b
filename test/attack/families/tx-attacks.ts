/**
 * Bodies and transactions that take what is not theirs: by gossip into the mempool, and in a block
 * with real work behind it.
 */
import type { SignedTx } from '../../../src/core/formats.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { ACCOUNT_MIN, NANOVOLTS } from '../../../src/core/params.ts';
import { asBody, type Bodies } from '../../core/fixtures.ts';
import { MINER, person, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Knows, Verdict } from '../verdict.ts';

export async function inBlock(
  arena: Arena,
  body: Bodies,
  knows: Knows = 'state',
): Promise<Verdict> {
  const won = await arena.forger.win(arena.core(THIEF, body));
  const block = { ...won, body: asBody(body) };
  return arena.announceBlock(block, knows);
}

/** Tries a transaction first by gossip, then in a block. */
export const bothWays = async (arena: Arena, tx: SignedTx): Promise<Verdict[]> => [
  await arena.announceTx(tx),
  await inBlock(arena, [tx]),
];

const SHOP = person('a shop').address;
const SPENDER = person('spends twice');
let memos = 0;

/** Someone paid all they had: the transaction is in the chain. */
const spent = (arena: Arena): Promise<bigint> =>
  arena.once('all is spent', async () => {
    await arena.coins();
    const coins = NANOVOLTS;
    await arena.honest([arena.pay(MINER, SPENDER.address, coins)]);
    // The account stays, with the least that one may hold.
    const all = coins - 10_000n - ACCOUNT_MIN;
    await arena.honest([arena.pay(SPENDER, SHOP, all)]);
    return all;
  });

/** Spends the same coins again, to oneself. */
async function doubleSpend(arena: Arena): Promise<Verdict[]> {
  const amount = await spent(arena);
  return bothWays(arena, arena.pay(SPENDER, SPENDER.address, amount - BigInt(memos++)));
}

/** Two payments of the same coins in one body. */
async function doubleSpendInBlock(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const balance = arena.chain.account(MINER.address)!.balance - 10_000n - BigInt(memos++);
  const nonce = arena.nonceOf(MINER);
  const body = [nonce, nonce + 1n].map((n) => arena.pay(MINER, SHOP, balance, n));
  return [await inBlock(arena, body)];
}

/** A transaction that is signed by its owner and in the chain already. */
const confirmed = (arena: Arena): Promise<SignedTx> =>
  arena.once('a payment to the thief', async () => {
    await arena.coins();
    const tx = arena.pay(MINER, THIEF.address, NANOVOLTS);
    await arena.honest([tx]);
    return tx;
  });

const replayed = async (arena: Arena): Promise<Verdict[]> =>
  bothWays(arena, await confirmed(arena));

/** The body of an earlier block once more. */
const replayedBody = async (arena: Arena): Promise<Verdict[]> => [
  await inBlock(arena, [await confirmed(arena)]),
];

/** A payment from another account without a signature, and with the thief's own. */
async function unsigned(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const amount = NANOVOLTS + BigInt(memos++);
  const { tx } = arena.pay(MINER, THIEF.address, amount);
  const mine = arena.pay(THIEF, THIEF.address, amount);
  const signature = memos % 2 ? new Uint8Array(64) : mine.signature;
  return bothWays(arena, { tx, signature });
}

/** A payment that its sender made once, counted twice in the same block. */
async function twiceInBody(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const tx = arena.pay(MINER, THIEF.address, NANOVOLTS + BigInt(memos++));
  return [await inBlock(arena, [tx, tx], 'bytes')];
}

/** A body under a header whose work was done for another body. */
async function swappedBody(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const won = await arena.forger.win(arena.core(THIEF));
  const body = [arena.pay(MINER, SHOP, NANOVOLTS + BigInt(memos++))];
  return [await arena.announceBlock({ ...won, body: bodyOf(body) })];
}

export const TX_ATTACKS: readonly Attack[] = [
  { name: 'swapped block body', rule: 'body.root', off: ['body.root'], runs: 3, run: swappedBody },
  {
    name: 'transaction twice in a body',
    rule: 'body.duplicate',
    off: ['body.duplicate', 'tx.nonce'],
    runs: 3,
    run: twiceInBody,
  },
  { name: 'double spend', rule: 'tx.balance', off: ['tx.balance'], runs: 3, run: doubleSpend },
  {
    name: 'double spend in one block',
    rule: 'tx.balance',
    off: ['tx.balance'],
    runs: 3,
    run: doubleSpendInBlock,
  },
  {
    name: 'unsigned transaction',
    rule: 'tx.signature',
    off: ['tx.signature'],
    runs: 4,
    run: unsigned,
  },
  { name: 'replayed block body', rule: 'tx.nonce', off: ['tx.nonce'], runs: 3, run: replayedBody },
  { name: 'replayed transaction', rule: 'tx.nonce', off: ['tx.nonce'], runs: 2, run: replayed },
];
