/** The answer that an earlier claim committed to (docs/protocol.md §8.4). */
import { equal, toHex } from '../../../lib/bytes.ts';
import { fault } from '../../faults.ts';
import { Claim, OpenRequest, SettleList, type Tx, type TxOf } from '../../formats.ts';
import { plainHash } from '../../hash.ts';
import { unitMacs } from '../../manifest.ts';
import { RESULTS_PER_BLOCK_MAX, SETTLEMENT_BLOCKS } from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import { commitmentOf } from '../state-tx.ts';
import type { Models } from '../tx.ts';
import type { Effects, Place, TxKind } from './kind.ts';

type Result = TxOf<'result'>;

export const result: TxKind<Result> = {
  perBlock: RESULTS_PER_BLOCK_MAX,
  burns: () => 0n,
  credits: () => [],
  reads: (tx, { from, height }) => [
    stateKey.request(tx.request),
    stateKey.claim(tx.request, from),
    stateKey.settle(height + SETTLEMENT_BLOCKS),
    // A result that waits for its claim is judged a block later.
    stateKey.settle(height + 1 + SETTLEMENT_BLOCKS),
  ],
  codes: [
    'tx.result-closed',
    'tx.result-claim',
    'tx.result-order',
    'tx.result-answer',
    'tx.result-commitment',
    'tx.result-budget',
  ],
  faults: () => [],
  effects: answer,

  isOpenToOthers: true,
  // There is one result for each claim, which paid a fee, and the result deletes the claim's leaf.
  isPrepaid: true,
  needsBefore: (tx, earlier: Tx) => earlier.type === 'claim' && equal(earlier.request, tx.request),

  requestOf: (tx) => tx.request,
  runOf: (tx) => tx.request,
};

/** The first valid result starts the settlement; the earliest claim among valid results is paid. */
// eslint-disable-next-line complexity -- the rules of results in their order; payment channels take their place
function* answer(tx: Result, { block, from }: Place): Effects {
  const { view, height } = block;
  const key = stateKey.request(tx.request);
  const claimKey = stateKey.claim(tx.request, from);
  const open = view.get(OpenRequest, key);
  const own = view.get(Claim, claimKey);
  if (!open) yield fault('tx.result-closed');
  if (!own) yield fault('tx.result-claim');
  if (own && own.position.height >= height) yield fault('tx.result-order');
  if (!open || !own) return undefined;

  const answerHash = plainHash(tx.answer);
  const ran = block.context.executionOf?.(tx.request, open);
  if (ran && !equal(tx.answer, ran.answer)) yield fault('tx.result-answer');
  // Even without the model, a later answer can be compared with the first one.
  if (open.settle && !equal(answerHash, open.answerHash)) yield fault('tx.result-answer');
  const answered = { execution: ran?.execution ?? new Uint8Array(32), answer: tx.answer };
  if (ran && !equal(own.commitment, commitmentOf(tx.request, from, answered)))
    yield fault('tx.result-commitment');

  const first = open.settle === 0;
  const macs = macsOf(block.context.models, open.modelId);
  if (first && block.firstResults > 0 && macs > block.macsLeft) yield fault('tx.result-budget');
  const settle = first ? height + SETTLEMENT_BLOCKS : open.settle;
  const due = view.get(SettleList, stateKey.settle(settle)) ?? [];

  return () => {
    if (first) {
      view.set(SettleList, stateKey.settle(settle), [...due, tx.request]);
      block.macsLeft -= macs;
      block.firstResults++;
    }
    const best = earlier({ payee: from, claim: own.position }, open.best);
    view.set(OpenRequest, key, { ...open, best, settle, answerHash });
    view.set(Claim, claimKey, undefined);
  };
}

const macsOf = (models: Models, modelId: Uint8Array): bigint => {
  const manifest = models.get(toHex(modelId));
  return manifest ? unitMacs(manifest) : 0n;
};

type Best = NonNullable<OpenRequest['best']>;

function earlier(mine: Best, best: Best | null): Best {
  if (!best) return mine;
  const order = mine.claim.height - best.claim.height || mine.claim.index - best.claim.index;
  return order < 0 ? mine : best;
}
