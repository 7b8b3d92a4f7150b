/** Which request is served next, and what is sent for it: on a real chain, without a model. */
import { describe, expect, test } from 'vitest';
import { createServing, type AnswerTx } from '../../../src/client/mining/serving.ts';
import { NANOVOLTS, SETTLEMENT_BLOCKS } from '../../../src/core/params.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import {
  answer,
  executionOf,
  mine,
  MODEL,
  openChain,
  person,
  request,
  sign,
  transfer,
} from '../../chain/make-blocks.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;

/** Ann asks, with these rewards; Bob serves and has coins; what he is to sign is in `handed`. */
async function asked(...rewards: bigint[]) {
  const chain = await openChain(undefined, undefined, {
    executionOf: async (id) => executionOf(id),
  });
  await mine(chain, ann, 6);
  const gifts = [bob, cat].map((who, i) => transfer(ann, i, who, NANOVOLTS));
  const asks = rewards.map((reward, i) => request(ann, i + 2, reward, `${i}`));
  for (const tx of [...gifts, ...asks]) expect(await chain.addTx(tx)).toBeUndefined();
  await mine(chain, ann, 1);
  const handed: AnswerTx[][] = [];
  const made = { nowMs: 0, changes: 0, waiting: [] as SignedTx[] };
  const serving = createServing({
    base: () => ({ header: chain.head().header, tree: chain.headState() }),
    waiting: () => made.waiting,
    send: async (_payee, txs) => void handed.push([...txs]),
    nowMs: () => made.nowMs,
    onProblem: (e) => {
      throw e;
    },
    onChange: () => made.changes++,
  });
  const ids = asks.map(({ tx }) => txId(tx));
  const take = (id: Uint8Array) => serving.take({ jobId: id, ...executionOf(id) });
  /** Bob signs what he was handed last, and it waits. */
  const signed = async (): Promise<SignedTx[]> => {
    const nonce = (chain.account(bob.address)?.nonce ?? 0) + made.waiting.length;
    const txs = handed.at(-1)!.map(({ fee, ...fields }, i) => sign(bob, nonce + i, fields, fee));
    made.waiting.push(...txs);
    for (const tx of txs) expect(await chain.addTx(tx)).toBeUndefined();
    await serving.refresh();
    return txs;
  };
  /** A block, after which Bob waits only for what the pool still holds. */
  const block = async (count = 1) => {
    await mine(chain, ann, count);
    made.waiting = chain.mempool.of(bob.address);
    await serving.refresh();
  };
  return { chain, serving, handed, made, ids, take, signed, block };
}

const next = (serving: { nextJob: (id: Uint8Array) => { id: Uint8Array } | undefined }) => {
  const job = serving.nextJob(MODEL);
  return job && toHex(job.id);
};
const types = (txs: readonly { type: string }[]) => txs.map(({ type }) => type);

describe('the next job', () => {
  test('is the best paid, for the model that runs, while somebody serves who can pay a claim', async () => {
    const { serving, ids, made } = await asked(5n, 9n * NANOVOLTS, 0n);
    expect(next(serving)).toBeUndefined();
    serving.serve(cat.xonly);
    expect(next(serving)).toBe(toHex(ids[1]!));
    expect(serving.nextJob(new Uint8Array(32))).toBeUndefined();
    serving.serve(person(9).xonly);
    expect(next(serving)).toBeUndefined();
    serving.serve(bob.xonly);
    expect(next(serving)).toBe(toHex(ids[1]!));
    expect(made.changes).toBe(3);
    serving.serve(undefined);
    expect(next(serving)).toBeUndefined();
  });

  test('goes down the rewards as they are answered, then to none', async () => {
    const { serving, ids, take } = await asked(5n, 9n, 0n);
    serving.serve(bob.xonly);
    const order = [1, 0, 2].map((i) => toHex(ids[i]!));
    for (const [i, id] of order.entries()) {
      expect(next(serving)).toBe(id);
      take(ids[[1, 0, 2][i]!]!);
    }
    expect(next(serving)).toBeUndefined();
  });

  test('is none that another has answered', async () => {
    const { chain, serving, ids, block } = await asked(5n);
    for (const tx of answer(cat, 0, ids[0]!)) await chain.addTx(tx);
    serving.serve(bob.xonly);
    await block();
    expect(next(serving)).toBe(toHex(ids[0]!));
    await block();
    expect(next(serving)).toBeUndefined();
  });

  test('is one that was claimed before a restart, also when a later claim was shown first', async () => {
    const { chain, serving, ids, made, handed, take, block } = await asked(5n);
    const [claim] = answer(bob, 0, ids[0]!);
    await chain.addTx(claim);
    await block();
    for (const tx of answer(cat, 0, ids[0]!)) await chain.addTx(tx);
    await block(2);
    made.waiting = [];
    serving.serve(bob.xonly);
    expect(next(serving)).toBe(toHex(ids[0]!));
    take(ids[0]!);
    await serving.refresh();
    // It may only be that the chain reorganises: a head later it is still missing.
    expect(handed).toEqual([]);
    await block();
    expect(handed.map(types)).toEqual([['result']]);
  });

  test('is none that waits from before a restart, nor one with no two blocks left', async () => {
    const { serving, ids, made, block } = await asked(5n);
    serving.serve(bob.xonly);
    made.waiting = answer(bob, 0, ids[0]!);
    expect(next(serving)).toBeUndefined();
    made.waiting = [];
    expect(next(serving)).toBe(toHex(ids[0]!));
    // Asked in block 7 for 30 blocks: a claim in 35 still has its result in 36.
    await block(27);
    expect(next(serving)).toBe(toHex(ids[0]!));
    await block(1);
    expect(next(serving)).toBeUndefined();
  });
});

describe('an answer', () => {
  test('is claimed and shown at once, once, and forgotten when it is paid', async () => {
    const { chain, serving, ids, take, handed, signed, block } = await asked(10n * NANOVOLTS);
    serving.serve(bob.xonly);
    take(ids[0]!);
    await serving.refresh();
    await serving.refresh();
    expect(handed.map(types)).toEqual([['claim', 'result']]);
    await signed();
    await block(2);
    expect(handed).toHaveLength(1);
    await block(SETTLEMENT_BLOCKS);
    expect(chain.account(bob.address)!.balance).toBe(9n * NANOVOLTS - 1_000n);
    expect(handed).toHaveLength(1);
  });

  test('waits for the nonces of the one before it', async () => {
    const { serving, ids, take, handed, signed } = await asked(9n, 5n);
    serving.serve(bob.xonly);
    ids.forEach(take);
    await serving.refresh();
    expect(handed).toHaveLength(1);
    await signed();
    expect(handed.map(types)).toEqual([
      ['claim', 'result'],
      ['claim', 'result'],
    ]);
    expect(toHex(handed[1]![0]!.request)).toBe(toHex(ids[1]!));
  });

  test('is handed out again when nobody signs, and given up after five times', async () => {
    const { serving, ids, take, handed, made, block } = await asked(9n);
    serving.serve(bob.xonly);
    take(ids[0]!);
    await serving.refresh();
    made.nowMs += 19_999;
    await block(2);
    expect(handed).toHaveLength(1);
    for (let i = 0; i < 10; i++) {
      made.nowMs += 20_000;
      await block();
    }
    expect(handed).toHaveLength(5);
    // It is open and not answered: it can be run again.
    expect(next(serving)).toBe(toHex(ids[0]!));
  });

  test('is not claimed when another was first', async () => {
    const { chain, serving, ids, take, handed, block } = await asked(9n);
    for (const tx of answer(cat, 0, ids[0]!)) await chain.addTx(tx);
    await block(2);
    serving.serve(bob.xonly);
    take(ids[0]!);
    await serving.refresh();
    expect(handed).toEqual([]);
  });
});
