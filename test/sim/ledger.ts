/**
 * Balances, kept in the plain way: by adding up the bodies of one branch, with no tree, no leaves and nothing of
 * the core's execution. A channel holds its limit until its first close, or until its last block is over.
 */
import { addressOf } from '../../src/core/address.ts';
import type { Block } from '../../src/core/messages.ts';
import { FAUCET_ADDRESS, FAUCET_SUPPLY, type Params } from '../../src/core/params.ts';
import { subsidyAt } from '../../src/core/state.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';

/** nV that make an account, and that one holds at least. */
const LEAST = 10_000_000n;

interface Prepaid {
  readonly asker: string;
  readonly payee: string;
  readonly limit: bigint;
  /** Height at which all goes back. */
  readonly ends: number;
}

export interface Ledger {
  /** nV by address in hex. */
  readonly balances: ReadonlyMap<string, bigint>;
  /** Open channels, by id in hex. */
  readonly channels: ReadonlyMap<string, Prepaid>;
  /** Channels that were closed. */
  readonly closed: number;
  /** nV of payments that made no account. */
  readonly burned: bigint;
  /** Coinbases, by height. */
  readonly mined: readonly { readonly miner: string; readonly amount: bigint }[];
  /** Descriptions of what the last block should not hold. */
  readonly wrong: readonly string[];
}

export const genesisLedger = ({ faucet }: Params): Ledger => ({
  balances: new Map(faucet ? [[FAUCET_ADDRESS, FAUCET_SUPPLY]] : []),
  channels: new Map(),
  closed: 0,
  burned: 0n,
  mined: [{ miner: '', amount: 0n }],
  wrong: [],
});

export function nextLedger(
  before: Ledger,
  params: Params,
  { header, body, genesis }: Block & { readonly genesis: Uint8Array },
): Ledger {
  const { height } = header;
  const balances = new Map(before.balances);
  const give = (to: string, nV: bigint) => balances.set(to, (balances.get(to) ?? 0n) + nV);
  let { burned } = before;
  const pay = (to: string, nV: bigint) => {
    if (balances.has(to) || nV >= LEAST) give(to, nV);
    else burned += nV;
  };
  const debited = new Set<string>();
  const ripe = before.mined[height - params.maturityBlocks];
  if (ripe?.amount) pay(ripe.miner, ripe.amount);
  const channels = new Map(before.channels);
  for (const [id, { asker, limit, ends }] of before.channels)
    if (ends === height) {
      pay(asker, limit);
      channels.delete(id);
    }
  let { closed } = before;
  const wrong: string[] = [];
  let fees = 0n;
  for (const { tx } of body.transactions) {
    fees += tx.fee;
    const from = toHex(addressOf(tx.from));
    if (tx.type !== 'close') debited.add(from);
    if (tx.type === 'transfer') {
      give(from, -tx.fee - tx.amount);
      give(toHex(tx.to), tx.amount);
    } else if (tx.type === 'channel') {
      const { limit, lifetime } = tx;
      give(from, -tx.fee - limit);
      channels.set(toHex(txId(genesis, tx)), {
        asker: from,
        payee: toHex(tx.payee),
        limit,
        ends: height + lifetime,
      });
    } else {
      const channel = channels.get(toHex(tx.channel));
      channels.delete(toHex(tx.channel));
      if (!channel) wrong.push('a close of a channel that is not open');
      else {
        pay(channel.payee, tx.amount - tx.fee);
        pay(channel.asker, channel.limit - tx.amount);
        closed++;
      }
    }
  }
  for (const who of debited) {
    const left = balances.get(who)!;
    if (left >= LEAST) continue;
    fees += left;
    balances.delete(who);
  }
  const mined = [...before.mined, { miner: toHex(header.miner), amount: subsidyAt(height) + fees }];
  return { balances, channels, closed, burned, mined, wrong };
}
