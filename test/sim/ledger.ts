/**
 * Balances, kept in the plain way: by adding up the bodies of one branch, with no tree, no leaves and nothing of
 * the core's execution. Among the claimants of a request with a true result, the one with the earliest claim
 * gets four fifths of the reward, six blocks after the first result.
 */
import { addressOf } from '../../src/core/address.ts';
import type { Position, SignedTx, TxOf } from '../../src/core/formats.ts';
import type { Block } from '../../src/core/messages.ts';
import { FAUCET_ADDRESS, FAUCET_SUPPLY, type Params } from '../../src/core/params.ts';
import { subsidyAt } from '../../src/core/state.ts';
import { commitmentOf } from '../../src/core/tx/state-tx.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import { executionOf } from './work.ts';

const SETTLEMENT_BLOCKS = 6;

interface Claimed {
  readonly at: Position;
  readonly commitment: Uint8Array;
  readonly payee: string;
  isAnswered: boolean;
}

interface Asked {
  readonly id: Uint8Array;
  readonly asker: string;
  readonly input: Uint8Array;
  readonly reward: bigint;
  /** Height at which the request expires; the height of its settlement once it is answered. */
  readonly ends: number;
  readonly isAnswered: boolean;
  readonly claims: readonly Claimed[];
}

export interface Ledger {
  /** nV by address in hex. */
  readonly balances: ReadonlyMap<string, bigint>;
  readonly asked: readonly Asked[];
  /** Coinbases, by height. */
  readonly mined: readonly { readonly miner: string; readonly amount: bigint }[];
  /** Requests whose earliest true answer was paid. */
  readonly paid: number;
  /** Descriptions of what the last block should not hold. */
  readonly wrong: readonly string[];
}

export const genesisLedger = ({ faucet }: Params): Ledger => ({
  balances: new Map(faucet ? [[FAUCET_ADDRESS, FAUCET_SUPPLY]] : []),
  asked: [],
  mined: [{ miner: '', amount: 0n }],
  paid: 0,
  wrong: [],
});

export function nextLedger(before: Ledger, params: Params, { header, body }: Block): Ledger {
  const { height } = header;
  const balances = new Map(before.balances);
  const give = (to: string, nV: bigint) => balances.set(to, (balances.get(to) ?? 0n) + nV);
  const ripe = before.mined[height - params.maturityBlocks];
  if (ripe?.amount) give(ripe.miner, ripe.amount);
  let { paid } = before;
  const ending = before.asked.filter(({ ends }) => ends === height);
  for (const one of ending) {
    if (one.isAnswered) paid++;
    if (one.isAnswered) give(earliestTrue(one).payee, (one.reward * 4n) / 5n);
    else give(one.asker, one.reward);
  }
  let asked = before.asked.filter((one) => !ending.includes(one));
  const wrong: string[] = [];
  let fees = 0n;
  for (const [index, signed] of body.entries()) {
    const { tx } = signed;
    const from = toHex(addressOf(tx.from));
    fees += tx.fee;
    give(from, -tx.fee);
    if (tx.type === 'transfer') {
      give(from, -tx.amount);
      give(toHex(tx.to), tx.amount);
    } else if (tx.type === 'request') {
      give(from, -tx.reward);
      asked = [...asked, newlyAsked(signed, tx, from, height)];
    } else if (tx.type === 'channel' || tx.type === 'close') {
      wrong.push(`a ${tx.type}, which nobody here makes`);
    } else {
      const open = asked.find(({ id }) => equal(id, tx.request));
      const next = open && withAnswer(open, tx, from, { height, index });
      if (typeof next === 'string') wrong.push(next);
      else asked = asked.map((one) => (one === open ? next! : one));
      if (!open) wrong.push(`a ${tx.type} of a request that is not open`);
    }
  }
  const mined = [...before.mined, { miner: toHex(header.miner), amount: subsidyAt(height) + fees }];
  return { balances, asked, mined, paid, wrong };
}

function newlyAsked({ tx }: SignedTx, r: TxOf<'request'>, asker: string, height: number): Asked {
  const { input, reward, lifetime } = r;
  const ends = height + lifetime;
  return { id: txId(tx), asker, input, reward, ends, isAnswered: false, claims: [] };
}

/** The request after a claim or a result; a text says why that is impossible. */
function withAnswer(
  open: Asked,
  tx: TxOf<'claim'> | TxOf<'result'>,
  payee: string,
  at: Position,
): Asked | string {
  if (tx.type === 'claim') {
    const claim = { at, commitment: tx.commitment, payee, isAnswered: false };
    return { ...open, claims: [...open.claims, claim] };
  }
  const own = open.claims.find((c) => c.payee === payee && !c.isAnswered);
  if (!own || own.at.height >= at.height) return 'a result without a claim before it';
  const ran = executionOf(open.input);
  const isTrue =
    equal(tx.answer, ran.answer) &&
    equal(own.commitment, commitmentOf(open.id, addressOf(tx.from), ran));
  if (!isTrue) return 'a false result';
  const claims = open.claims.map((c) => (c === own ? { ...c, isAnswered: true } : c));
  const ends = open.isAnswered ? open.ends : at.height + SETTLEMENT_BLOCKS;
  return { ...open, claims, ends, isAnswered: true };
}

function earliestTrue({ claims }: Asked): Claimed {
  const [first] = claims
    .filter(({ isAnswered }) => isAnswered)
    .sort((a, b) => a.at.height - b.at.height || a.at.index - b.at.index);
  return first!;
}
