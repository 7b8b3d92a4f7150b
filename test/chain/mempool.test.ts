/** The mempool: what it takes, replaces, evicts, and what a new head does to it. */
import { describe, expect, it } from 'vitest';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import { NANOVOLTS, SETTLEMENT_BLOCKS } from '../../src/core/params.ts';
import {
  answer,
  executionOf,
  mine,
  openChain,
  person,
  request,
  sign,
  transfer,
} from './make-blocks.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;

async function rich() {
  const chain = await openChain(createMemoryStore());
  await mine(chain, ann, 6);
  return chain;
}

describe('mempool', () => {
  it('takes nonces in sequence, and tells why it does not', async () => {
    const chain = await rich();
    expect(await chain.addTx(transfer(ann, 0, bob, 1n))).toBeUndefined();
    expect(await chain.addTx(transfer(ann, 1, bob, 1n))).toBeUndefined();
    const refused = async (tx: ReturnType<typeof transfer>) => (await chain.addTx(tx))?.fault;
    expect(await refused(transfer(ann, 0, bob, 1n))).toBe('tx.known');
    expect(await refused(transfer(ann, 3, bob, 1n))).toBe('tx.nonce');
    expect(await refused(transfer(ann, 2, bob, 1n, 999n))).toBe('tx.fee-low');
    expect(await refused(transfer(ann, 2, bob, 10n ** 15n))).toBe('tx.balance');
    expect(await refused(transfer(cat, 0, bob, 1n))).toBe('tx.balance');
    const forged = { ...transfer(ann, 2, bob, 1n), signature: new Uint8Array(64) };
    expect(await refused(forged)).toBe('tx.signature');
    expect(chain.mempool.size).toBe(2);
  });

  it('replaces for a tenth more, keeps what follows, and bounds a sender', async () => {
    const chain = await rich();
    for (let nonce = 0; nonce < 64; nonce++)
      expect(await chain.addTx(transfer(ann, nonce, bob, 1n))).toBeUndefined();
    expect(await chain.addTx(transfer(ann, 64, bob, 1n))).toMatchObject({ fault: 'tx.pool-full' });
    expect(await chain.addTx(transfer(ann, 3, cat, 1n, 1_099n))).toMatchObject({
      fault: 'tx.fee-low',
    });
    expect(await chain.addTx(transfer(ann, 3, cat, 1n, 1_100n))).toBeUndefined();
    expect(chain.mempool.size).toBe(64);
    const [block] = await mine(chain, bob, 1);
    expect(block!.body.map(({ tx }) => tx.nonce)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(chain.mempool.size).toBe(0);
    expect(chain.mempool.bytes).toBe(0);
  });

  it('drops what follows a replaced one only for their fees: else one fee would be told again and again', async () => {
    const chain = await rich();
    // Of somebody who mines nothing: coins that mature with the next block count already.
    await chain.addTx(transfer(ann, 0, cat, 100_000n));
    await mine(chain, ann, 1);
    for (let nonce = 0; nonce < 4; nonce++) await chain.addTx(transfer(cat, nonce, bob, 1n));
    // It leaves 1,500 nV, which one of the three pays from.
    const all = (fee: bigint) => transfer(cat, 0, bob, 98_500n - fee, fee);
    const least = 1_100n + 2_000n;
    expect(await chain.addTx(all(least - 1n))).toMatchObject({
      fault: 'tx.fee-low',
      context: { least },
    });
    expect(chain.mempool.size).toBe(4);
    expect(await chain.addTx(all(least))).toBeUndefined();
    expect(chain.mempool.of(cat.address).map(({ tx }) => tx.nonce)).toEqual([0, 1]);
  });

  it('takes back what a reorganisation reverts', async () => {
    const a = await rich();
    const b = await openChain();
    for (const header of await a.headersAfter([], 100)) {
      const { blockId } = await import('../../src/core/header/header.ts');
      await b.importBlock((await a.block(blockId(header)))!);
    }
    const [both, lost] = [transfer(ann, 0, bob, 1n), transfer(ann, 1, bob, 2n)];
    await a.addTx(both);
    await a.addTx(lost);
    await mine(a, ann, 1, { salt: 1 });
    expect(a.mempool.size).toBe(0);
    await b.addTx(both);
    for (const block of await mine(b, bob, 2, { salt: 2 })) await a.importBlock(block);
    expect(a.mempool.byFee().map(({ tx }) => toHex(txId(tx)))).toEqual([toHex(txId(lost.tx))]);
  });
});

describe('claims and results in the pool', () => {
  /** A request of Ann's in the chain; Bob and Cat have coins; `runs` counts the model's. */
  async function asked() {
    const made = { runs: 0 };
    const chain = await openChain(undefined, undefined, {
      executionOf: async (id) => (made.runs++, executionOf(id)),
    });
    await mine(chain, ann, 6);
    const asks = request(ann, 0, 10n * NANOVOLTS);
    const gifts = [bob, cat].map((who, i) => transfer(ann, i + 1, who, NANOVOLTS));
    for (const tx of [asks, ...gifts]) expect(await chain.addTx(tx)).toBeUndefined();
    await mine(chain, ann, 1);
    return { chain, id: txId(asks.tx), made };
  }
  const types = (txs: readonly { tx: { type: string } }[]) => txs.map(({ tx }) => tx.type);

  it('keeps a result behind its claim, mines them one after the other, and the claim is paid', async () => {
    const { chain, id, made } = await asked();
    const [claim, result] = answer(bob, 0, id);
    expect(await chain.addTx(result)).toMatchObject({ fault: 'tx.nonce' });
    expect(await chain.addTx(claim)).toBeUndefined();
    expect(await chain.addTx(result)).toBeUndefined();
    expect(made.runs).toBe(1);
    expect(types(chain.mempool.byFee())).toEqual(['claim', 'result']);
    const [first] = await mine(chain, ann, 1);
    expect(types(first!.body)).toEqual(['claim']);
    expect(types(chain.mempool.byFee())).toEqual(['result']);
    const [second] = await mine(chain, ann, 1);
    expect(types(second!.body)).toEqual(['result']);
    await mine(chain, ann, SETTLEMENT_BLOCKS);
    expect(chain.account(bob.address)!.balance).toBe(9n * NANOVOLTS - 1_000n);
    expect(made.runs).toBe(1);
  });

  it('pays the earlier claim of two, also when its result comes second', async () => {
    const { chain, id } = await asked();
    const [early, late] = [answer(bob, 0, id), answer(cat, 0, id)];
    await chain.addTx(early[0]);
    await mine(chain, ann, 1);
    for (const tx of late) expect(await chain.addTx(tx)).toBeUndefined();
    await mine(chain, ann, 2);
    expect(await chain.addTx(early[1])).toBeUndefined();
    await mine(chain, ann, SETTLEMENT_BLOCKS);
    const balances = [bob, cat].map((who) => chain.account(who.address)!.balance);
    expect(balances).toEqual([9n * NANOVOLTS - 1_000n, NANOVOLTS - 1_000n]);
  });

  it('keeps no free claim, no result without its claim, and no wrong answer', async () => {
    const { chain, id, made } = await asked();
    const [claim, result] = answer(bob, 0, id);
    const { commitment } = claim.tx as { commitment: Uint8Array } & typeof claim.tx;
    const free = sign(bob, 0, { type: 'claim', request: id, commitment }, 999n);
    expect(await chain.addTx(free)).toMatchObject({ fault: 'tx.fee-low' });
    const bare = sign(bob, 0, { type: 'result', request: id, answer: Uint8Array.of(1, 2) });
    expect(await chain.addTx(bare)).toMatchObject({ fault: 'tx.result-claim' });
    // Nothing of this was worth a run of the model.
    expect(made.runs).toBe(0);
    await chain.addTx(claim);
    const forged = { ...result, signature: new Uint8Array(64) };
    expect(await chain.addTx(forged)).toMatchObject({ fault: 'tx.signature' });
    expect(made.runs).toBe(0);
    const wrong = sign(bob, 1, { type: 'result', request: id, answer: Uint8Array.of(9) }, 0n);
    expect(await chain.addTx(wrong)).toMatchObject({ fault: 'tx.result-answer' });
    const [stolen] = answer(cat, 0, id);
    const copied = sign(cat, 0, { type: 'claim', request: id, commitment });
    expect(txId(stolen.tx)).not.toEqual(txId(copied.tx));
    await chain.addTx(copied);
    const behind = answer(cat, 0, id)[1];
    expect(await chain.addTx(behind)).toMatchObject({ fault: 'tx.result-commitment' });
    expect(types(chain.mempool.byFee())).toEqual(['claim', 'claim']);
    expect(made.runs).toBe(1);
  });

  it('drops both once the request has closed', async () => {
    const { chain, id } = await asked();
    for (const tx of answer(cat, 0, id)) await chain.addTx(tx);
    await mine(chain, ann, 2);
    for (const tx of answer(bob, 0, id)) expect(await chain.addTx(tx)).toBeUndefined();
    expect(chain.mempool.size).toBe(2);
    await mine(chain, ann, 1);
    expect(types(chain.mempool.byFee())).toEqual(['result']);
    await mine(chain, ann, SETTLEMENT_BLOCKS);
    expect(chain.mempool.size).toBe(0);
  });
});
