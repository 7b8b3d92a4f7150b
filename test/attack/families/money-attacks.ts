/** Money by the rules of protocol 2: least balance, nonces of leaves made anew, ids bound to a network, numbers. */
import type { FaultCode } from '../../../src/core/faults.ts';
import { encode } from '../../../src/core/codec.ts';
import { Account, type SignedTx } from '../../../src/core/formats.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { ACCOUNT_MIN, EXPIRY_BLOCKS_MAX, NANOVOLTS } from '../../../src/core/params.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { treeRoot, treeSet } from '../../../src/core/tree/tree.ts';
import { signTx } from '../../../src/core/tx/tx.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { FEE, MINER, person, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import { bothWays, inBlock } from './tx-attacks.ts';
import type { Verdict } from '../verdict.ts';

let salt = 0;
const stranger = () => person(`a stranger ${salt++}`);

/** A payment of the miner that is right but for the fields given. */
const paying = (arena: Arena, fields: object, fee = FEE): SignedTx => {
  const common = { type: 'transfer', to: THIEF.address, amount: NANOVOLTS, memo: new Uint8Array() };
  return arena.sign(MINER, { ...common, ...fields }, undefined, fee);
};

const withFields =
  (fields: (arena: Arena) => object) =>
  async (arena: Arena): Promise<Verdict[]> => {
    await arena.coins();
    return bothWays(arena, paying(arena, fields(arena)));
  };

/** A leaf for ever, for next to nothing: a million of them end every browser's whole state. */
const dust = withFields(() => ({ to: stranger().address, amount: ACCOUNT_MIN - 1n }));

const nothing = withFields(() => ({ to: MINER.address, amount: 0n }));
const otherChain = withFields(({ chainId }) => ({ chainId: chainId + 1 }));

/** In a block alone: who hears of it before may stand elsewhere in the chain. */
const expired = async (arena: Arena): Promise<Verdict[]> => {
  await arena.coins();
  const { height } = arena.chain.head().header;
  return [await inBlock(arena, [paying(arena, { expiry: height - (salt++ % 2) })])];
};

const tooLate = async (arena: Arena): Promise<Verdict[]> => {
  await arena.coins();
  const expiry = arena.chain.head().header.height + 2 + EXPIRY_BLOCKS_MAX + salt++;
  return [await inBlock(arena, [paying(arena, { expiry })])];
};

/** What was signed on another network with the same chain id, where the coins are worth nothing. */
async function ofAnotherNetwork(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const { tx } = paying(arena, {});
  return bothWays(arena, signTx(ZERO_HASH, tx, MINER.secret));
}

/** A payment of an account that was emptied since and paid anew: its leaf was made twice. */
async function afterANewLeaf(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const owner = stranger();
  await arena.honest([arena.pay(MINER, owner.address, 2n * NANOVOLTS)]);
  const old = arena.pay(owner, THIEF.address, NANOVOLTS / 2n);
  await arena.honest([old]);
  const rest = arena.balanceOf(owner) - FEE;
  await arena.honest([arena.pay(owner, MINER.address, rest)]);
  await arena.honest([arena.pay(MINER, owner.address, 2n * NANOVOLTS)]);
  return bothWays(arena, old);
}

/** All but a crumb was sent: the leaf goes, and the crumb to the miner. The thief's state keeps both. */
async function keptCrumb(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const owner = stranger();
  await arena.honest([arena.pay(MINER, owner.address, 2n * NANOVOLTS)]);
  const before = arena.chain.account(owner.address)!;
  await arena.honest([arena.pay(owner, MINER.address, before.balance - FEE - 1n)]);
  const crumb = { ...before, balance: 1n, nonce: before.nonce + 1n };
  const key = stateKey.account(owner.address);
  const tree = treeSet(arena.chain.headState(), key, encode(Account, crumb));
  const won = await arena.forger.win({ ...arena.core(THIEF), stateRoot: treeRoot(tree) });
  return [await arena.announceBlock({ ...won, body: bodyOf() })];
}

const attack = (name: string, rule: FaultCode, run: Attack['run']): Attack => ({
  name,
  rule,
  off: [rule],
  runs: 2,
  run,
});

export const MONEY_ATTACKS: readonly Attack[] = [
  attack('dust', 'tx.dust', dust),
  attack('payment of nothing', 'tx.amount', nothing),
  attack('payment of another chain', 'tx.chain', otherChain),
  attack('payment of another network', 'tx.signature', ofAnotherNetwork),
  attack('expired payment', 'tx.expired', expired),
  attack('payment that expires too late', 'tx.expiry-far', tooLate),
  attack('payment replayed on a new leaf', 'tx.nonce', afterANewLeaf),
  attack('crumb that was kept', 'header.state-root', keptCrumb),
];
