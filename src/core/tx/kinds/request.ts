/** A request to a model; its reward is locked until it is answered or expires (docs/protocol.md §8.4). */
import { toHex } from '../../../lib/bytes.ts';
import { fault, type Fault } from '../../faults.ts';
import { ExpiryList, OpenRequest, type TxOf } from '../../formats.ts';
import { ZERO_HASH } from '../../hash.ts';
import { inputTokens, type Manifest } from '../../manifest.ts';
import {
  REQUEST_LIFETIME_MAX,
  REQUEST_LIFETIME_MIN,
  REQUESTS_PER_BLOCK_MAX,
  REQUESTS_PER_EXPIRY_MAX,
} from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import { txId } from '../tx.ts';
import type { Admitted, Effects, Place, TxKind } from './kind.ts';

type Request = TxOf<'request'>;

export const request: TxKind<Request> = {
  perBlock: REQUESTS_PER_BLOCK_MAX,
  burns: () => 0n,
  credits: () => [],
  reads: (tx, { height }) => [stateKey.expiry(height + tx.lifetime)],
  codes: ['tx.request-model', 'tx.request-input', 'tx.request-lifetime', 'tx.request-full'],
  faults: termFaults,
  effects: open,

  isOpenToOthers: true,
  isPrepaid: false,
  needsBefore: () => false,

  requestOf: txId,
  runOf: () => undefined,
};

function* termFaults(tx: Request, admitted: Admitted): Generator<Fault, void> {
  const model = admittedModel(admitted, tx.modelId);
  if (!model) yield fault('tx.request-model', { modelId: toHex(tx.modelId) });
  if (model && !inputTokens(tx.input, model))
    yield fault('tx.request-input', { bytes: tx.input.length });
  if (tx.lifetime < REQUEST_LIFETIME_MIN || tx.lifetime > REQUEST_LIFETIME_MAX)
    yield fault('tx.request-lifetime', { lifetime: tx.lifetime });
}

function admittedModel({ params, models }: Admitted, id: Uint8Array): Manifest | undefined {
  const hex = toHex(id);
  return params.models.includes(hex) ? models.get(hex) : undefined;
}

function* open(tx: Request, { block: { view, height }, from }: Place): Effects {
  const expiry = height + tx.lifetime;
  const listKey = stateKey.expiry(expiry);
  const ending = view.get(ExpiryList, listKey) ?? [];
  if (ending.length >= REQUESTS_PER_EXPIRY_MAX) yield fault('tx.request-full', { expiry });

  return () => {
    const { modelId, reward, input } = tx;
    const id = txId(tx);
    view.set(OpenRequest, stateKey.request(id), {
      asker: from,
      modelId,
      reward,
      expiry,
      best: null,
      settle: 0,
      answerHash: ZERO_HASH,
      input,
    });
    view.set(ExpiryList, listKey, [...ending, id]);
  };
}
