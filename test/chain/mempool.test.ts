/** The mempool: what it takes, replaces, evicts, and what a new head does to it. */
import { describe, expect, it } from 'vitest';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import { ACCOUNT_MIN } from '../../src/core/params.ts';
import { BORN, GENESIS_ID, mine, openChain, person, transfer } from './make-blocks.ts';

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
    expect(await refused(transfer(ann, 2, bob, 1n, 1_999n))).toBe('tx.fee-low');
    expect(await refused(transfer(ann, 2, bob, 10n ** 15n))).toBe('tx.balance');
    expect(await refused(transfer(cat, 0, bob, 1n))).toBe('tx.nonce');
    const forged = { ...transfer(ann, 2, bob, 1n), signature: new Uint8Array(64) };
    expect(await refused(forged)).toBe('tx.signature');
    expect(chain.mempool.size).toBe(2);
  });

  it('replaces for a tenth more, keeps what follows, and bounds a sender', async () => {
    const chain = await rich();
    for (let nonce = 0; nonce < 64; nonce++)
      expect(await chain.addTx(transfer(ann, nonce, bob, 1n))).toBeUndefined();
    expect(await chain.addTx(transfer(ann, 64, bob, 1n))).toMatchObject({ fault: 'tx.pool-full' });
    expect(await chain.addTx(transfer(ann, 3, cat, 1n, 10_999n))).toMatchObject({
      fault: 'tx.fee-low',
    });
    expect(await chain.addTx(transfer(ann, 3, cat, 1n, 11_000n))).toBeUndefined();
    expect(chain.mempool.size).toBe(64);
    const [block] = await mine(chain, bob, 1);
    expect(block!.body.transactions.map(({ tx }) => tx.nonce)).toEqual(
      Array.from({ length: 64 }, (_, i) => BORN + BigInt(i)),
    );
    expect(chain.mempool.size).toBe(0);
    expect(chain.mempool.bytes).toBe(0);
  });

  it('drops what follows a replaced one only for their fees: else one fee would be told again and again', async () => {
    const chain = await rich();
    // Of somebody who mines nothing: coins that mature with the next block count already.
    await chain.addTx(transfer(ann, 0, cat, 10n));
    await mine(chain, ann, 1);
    const { nonce: first } = chain.account(cat.address)!;
    for (let i = 0n; i < 4n; i++) await chain.addTx(transfer(cat, first + i, bob, 1n));
    // It leaves what one of the three pays from.
    const left = ACCOUNT_MIN + 15_000n;
    const all = (fee: bigint) => transfer(cat, first, bob, 10n * ACCOUNT_MIN - left - fee, fee);
    const least = 11_000n + 20_000n;
    expect(await chain.addTx(all(least - 1n))).toMatchObject({
      fault: 'tx.fee-low',
      context: { least },
    });
    expect(chain.mempool.size).toBe(4);
    expect(await chain.addTx(all(least))).toBeUndefined();
    expect(chain.mempool.of(cat.address).map(({ tx }) => tx.nonce)).toEqual([first, first + 1n]);
  });

  it('keeps no payment whose payee has become too poor for it: no block takes it, so it would cost nothing', async () => {
    const chain = await rich();
    await chain.addTx(transfer(ann, 0, cat, 10n));
    // Nothing matures for Ann any more: only what she pays could make a difference to her line.
    await mine(chain, bob, 4);
    const { nonce, balance } = chain.account(cat.address)!;
    await chain.addTx(transfer(cat, nonce, bob, balance - 20_000n, 20_000n));
    expect(await chain.addTx(transfer(ann, 1, cat, ACCOUNT_MIN - 1n))).toBeUndefined();
    const [block] = await mine(chain, bob, 1);
    expect(block!.body.transactions).toHaveLength(1);
    expect(chain.account(cat.address)).toBeUndefined();
    expect(chain.mempool.size).toBe(0);
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
    expect(a.mempool.byFee().map(({ tx }) => toHex(txId(GENESIS_ID, tx)))).toEqual([
      toHex(txId(GENESIS_ID, lost.tx)),
    ]);
  });
});
