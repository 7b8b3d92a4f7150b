/** A claim: it reserves a place in line for an answer that is not published yet (docs/protocol.md §8.4). */
import { fault } from '../../faults.ts';
import { Claim, OpenRequest, type TxOf } from '../../formats.ts';
import { CLAIMS_PER_BLOCK_MAX } from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import type { Effects, Place, TxKind } from './kind.ts';

export const claim: TxKind<TxOf<'claim'>> = {
  perBlock: CLAIMS_PER_BLOCK_MAX,
  burns: () => 0n,
  credits: () => [],
  reads: (tx, { from }) => [stateKey.request(tx.request), stateKey.claim(tx.request, from)],
  codes: ['tx.claim-closed', 'tx.claim-twice'],
  faults: () => [],
  effects: commit,

  isOpenToOthers: true,
  isPrepaid: false,
  needsBefore: () => false,

  requestOf: (tx) => tx.request,
  runOf: () => undefined,
};

function* commit(tx: TxOf<'claim'>, { block: { view }, from, position }: Place): Effects {
  const key = stateKey.claim(tx.request, from);
  const open = view.get(OpenRequest, stateKey.request(tx.request));
  if (!open) yield fault('tx.claim-closed');
  if (view.get(Claim, key)) yield fault('tx.claim-twice');

  return () => view.set(Claim, key, { commitment: tx.commitment, position });
}
