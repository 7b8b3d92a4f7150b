/** Block bodies: their root and their limits (docs/protocol.md §4.1). */
import { equal, toHex } from '../../lib/bytes.ts';
import { encode, u32, varint } from '../codec.ts';
import type { Fault } from '../faults.ts';
import type { Body, HeaderCore } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';
import { BODY_BYTES_MAX } from '../params.ts';
import { rule, type Rule, type Rules } from '../rules.ts';
import { txBytes, txId } from './tx.ts';

/** Merkle root over the transactions and their count. */
export function bodyRoot(body: Body): Uint8Array {
  let row = body.map((signed) => hash('body-leaf', txBytes(signed)));
  while (row.length > 1) row = parents(row);
  return hash('body', encode(u32, body.length), row[0] ?? ZERO_HASH);
}

function parents(row: Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let i = 0; i < row.length; i += 2) {
    const right = row[i + 1];
    // An odd node moves up unchanged; the count in the root prevents bodies with a duplicated last transaction.
    out.push(right ? hash('body-node', row[i]!, right) : row[i]!);
  }
  return out;
}

/** Bytes of the encoded body. */
export const bodySize = (body: Body): number =>
  encode(varint, body.length).length + body.reduce((sum, tx) => sum + txBytes(tx).length, 0);

/** A body and the root that the header commits to. */
export interface BodyInput {
  readonly header: Pick<HeaderCore, 'bodyRoot'>;
  readonly body: Body;
}

/** Rules of a body that need no state: size, duplicates and root. */
export const BODY_RULES: readonly Rule<BodyInput>[] = [
  rule('body.size', '4.1', ({ body }) => {
    const size = bodySize(body);
    return size > BODY_BYTES_MAX ? { size } : undefined;
  }),
  rule('body.duplicate', '4.1', ({ body }) => {
    const ids = new Set(body.map((signed) => toHex(txId(signed.tx))));
    return ids.size < body.length ? {} : undefined;
  }),
  rule('body.root', '4.1', ({ header, body }) =>
    equal(bodyRoot(body), header.bodyRoot) ? undefined : {},
  ),
];

export const verifyBody = (rules: Rules, input: BodyInput): Fault | undefined =>
  rules.judge(BODY_RULES, input);
