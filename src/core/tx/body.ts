/** Block bodies: their root and their limits (docs/protocol.md §4.1). */
import { equal, toHex } from '../../lib/bytes.ts';
import { encode, u32, varint } from '../codec.ts';
import type { Fault } from '../faults.ts';
import { Body, Tx, type HeaderCore, type SignedTx } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';
import { BODY_BYTES_MAX } from '../params.ts';
import { rule, type Rule, type Rules } from '../rules.ts';
import { txBytes } from './tx.ts';

/** A body of these transactions alone. */
export const bodyOf = (transactions: readonly SignedTx[] = []): Body => ({
  transactions: [...transactions],
  shares: [],
  votes: [],
});

/** Merkle root over the transactions, their count, and what else the body lists. */
export function bodyRoot(body: Body): Uint8Array {
  const { transactions, ...lists } = body;
  let row = transactions.map((signed) => hash('body-leaf', txBytes(signed)));
  while (row.length > 1) row = parents(row);
  const top = row[0] ?? ZERO_HASH;
  return hash('body', encode(u32, transactions.length), top, listsRoot(lists));
}

/** H_shares(shares ‖ votes): as a body without transactions is encoded, behind their count. */
const listsRoot = (lists: Pick<Body, 'shares' | 'votes'>): Uint8Array =>
  hash('shares', encode(Body, { transactions: [], ...lists }).subarray(1));

function parents(row: Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let i = 0; i < row.length; i += 2) {
    const right = row[i + 1];
    // An odd node moves up unchanged; the count in the root prevents bodies with a duplicated last transaction.
    out.push(right ? hash('body-node', row[i]!, right) : row[i]!);
  }
  return out;
}

/** Bytes of the encoded list of transactions, which BODY_BYTES_MAX bounds. */
export const bodySize = (transactions: readonly SignedTx[]): number =>
  encode(varint, transactions.length).length +
  transactions.reduce((sum, tx) => sum + txBytes(tx).length, 0);

/** A body and the root that the header commits to. */
export interface BodyInput {
  readonly header: Pick<HeaderCore, 'bodyRoot'>;
  readonly body: Body;
}

/** Rules of a body that need no state: size, duplicates, what is not in force yet, and root. */
export const BODY_RULES: readonly Rule<BodyInput>[] = [
  rule('body.size', '4.1', ({ body }) => {
    const size = bodySize(body.transactions);
    return size > BODY_BYTES_MAX ? { size } : undefined;
  }),
  rule('body.duplicate', '4.1', ({ body: { transactions } }) => {
    // Of one network: two with the same bytes have the same id.
    const all = new Set(transactions.map(({ tx }) => toHex(encode(Tx, tx))));
    return all.size < transactions.length ? {} : undefined;
  }),
  rule('body.shares', '4.1', ({ body: { shares } }) =>
    shares.length ? { shares: shares.length } : undefined,
  ),
  rule('body.votes', '4.1', ({ body: { votes } }) =>
    votes.length ? { votes: votes.length } : undefined,
  ),
  rule('body.root', '4.1', ({ header, body }) =>
    equal(bodyRoot(body), header.bodyRoot) ? undefined : {},
  ),
];

export const verifyBody = (rules: Rules, input: BodyInput): Fault | undefined =>
  rules.judge(BODY_RULES, input);
