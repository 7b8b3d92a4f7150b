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
  /** Coinbases, by height. */
  readonly mined: readonly { readonly miner: string; readonly amount: bigint }[];
  /** Descriptions of what the last block should not hold. */
  readonly wrong: readonly string[];
}

export const genesisLedger = ({ faucet }: Params): Ledger => ({
  balances: new Map(faucet ? [[FAUCET_ADDRESS, FAUCET_SUPPLY]] : []),
  channels: new Map(),
  closed: 0,
  mined: [{ miner: '', amount: 0n }],
  wrong: [],
});

export function nextLedger(before: Ledger, params: Params, { header, body }: Block): Ledger {
  const { height } = header;
  const balances = new Map(before.balances);
  const give = (to: string, nV: bigint) => balances.set(to, (balances.get(to) ?? 0n) + nV);
  const ripe = before.mined[height - params.maturityBlocks];
  if (ripe?.amount) give(ripe.miner, ripe.amount);
  const channels = new Map(before.channels);
  for (const [id, { asker, limit, ends }] of before.channels)
    if (ends === height) {
      give(asker, limit);
      channels.delete(id);
    }
  let { closed } = before;
  const wrong: string[] = [];
  let fees = 0n;
  for (const { tx } of body) {
    fees += tx.fee;
    const from = toHex(addressOf(tx.from));
    if (tx.type === 'transfer') {
      give(from, -tx.fee - tx.amount);
      give(toHex(tx.to), tx.amount);
    } else if (tx.type === 'channel') {
      const { limit, lifetime } = tx;
      give(from, -tx.fee - limit);
      channels.set(toHex(txId(tx)), {
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
        give(channel.payee, tx.amount - tx.fee);
        give(channel.asker, channel.limit - tx.amount);
        closed++;
      }
    }
  }
  const mined = [...before.mined, { miner: toHex(header.miner), amount: subsidyAt(height) + fees }];
  return { balances, channels, closed, mined, wrong };
}
