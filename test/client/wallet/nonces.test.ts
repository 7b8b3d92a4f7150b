/** Nonces of what one account sends: payments beside claims and results, some of which no block takes. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { createLightPool } from '../../../src/client/wallet/light-pool.ts';
import { Outbox } from '../../../src/client/wallet/outbox.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import { createSending, type SendingDeps } from '../../../src/client/wallet/sending.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { txBytes, txId } from '../../../src/core/tx/tx.ts';
import { Emitter } from '../../../src/lib/events.ts';
import {
  answer,
  mine,
  CONTEXT,
  openChain,
  PARAMS,
  person,
  request,
  transfer,
} from '../../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

/** Bob, who has coins and serves what Ann asked, on a real chain; `block` mines without him. */
async function serving() {
  const chain = await openChain();
  await mine(chain, ann, 6);
  const asked = request(ann, 1, 5n * NANOVOLTS);
  for (const tx of [transfer(ann, 0, bob, NANOVOLTS), asked])
    expect(await chain.addTx(tx)).toBeUndefined();
  await mine(chain, ann, 1);
  const pool = createLightPool(PARAMS, CONTEXT);
  const outbox = await Outbox.open(createMemoryStore());
  const last = async () => {
    const { balance, nonce } = chain.account(bob.address)!;
    return { spendable: balance, nonce };
  };
  const sending = createSending({
    params: PARAMS,
    pool,
    outbox,
    chain: { headers: { head: chain.head } },
    announcer: { hasPeers: false },
    accounts: { last, payees: { noteSubmitted: async () => undefined } },
    events: new Emitter<PeerEvents>(),
  } as unknown as SendingDeps);
  const look = async () => {
    pool.setHead(chain.head().header, chain.headState());
    await sending.resubmitWaiting();
  };
  const block = async (count = 1) => {
    await mine(chain, ann, count);
    await look();
  };
  const submit = (tx: SignedTx, replacing?: Uint8Array) => sending.submit(txBytes(tx), replacing);
  const nonce = async () => (await sending.prepare(bob.address)).nonce;
  const spendable = async () => (await sending.prepare(bob.address)).spendable;
  await look();
  return { outbox, pool, block, submit, nonce, spendable, asked: txId(asked.tx) };
}

test('a payment that displaces a claim does not wait behind its result', async () => {
  const { submit, nonce, outbox, asked } = await serving();
  const [claim, result] = answer(bob, 0, asked);
  for (const tx of [claim, result]) await submit(tx);
  expect(await nonce()).toBe(2);
  const payment = transfer(bob, 0, ann, 1n, 10_000n);
  await submit(payment, txId(claim.tx));
  expect(await nonce()).toBe(1);
  const next = transfer(bob, 1, ann, 2n);
  await submit(next);
  expect(outbox.waiting()).toEqual([payment, next]);
});

test('payments behind a claim whose request has closed go on once its nonces are used', async () => {
  const { submit, nonce, block, pool, outbox, asked } = await serving();
  for (const tx of answer(bob, 0, asked)) await submit(tx);
  const behind = transfer(bob, 2, ann, 1n);
  await submit(behind);
  // Nobody took the claim while its request stood.
  await block(30);
  expect(outbox.waiting()).toEqual([behind]);
  expect(outbox.all().filter(({ state }) => state === 'refused').length).toBe(2);
  for (const expected of [0, 1, 3]) {
    expect(await nonce()).toBe(expected);
    await submit(transfer(bob, expected, ann, 3n));
  }
  expect(pool.of(bob.address).map(({ tx }) => tx.nonce)).toEqual([0, 1, 2, 3]);
});

test('a nonce that waits is only taken where that was asked', async () => {
  const { submit, nonce, outbox } = await serving();
  const shown = await nonce();
  const first = transfer(bob, shown, ann, 1n);
  // Ten times the fee would displace the first in every pool.
  const second = transfer(bob, shown, ann, 2n, 10_000n);
  const taken = { code: 'NONCE_TAKEN' };
  // At once, as from two tabs; then one after the other.
  const both = await Promise.allSettled([submit(first), submit(second)]);
  expect(both[1]).toMatchObject({ status: 'rejected', reason: taken });
  await expect(submit(second)).rejects.toMatchObject(taken);
  await expect(submit(second, txId(second.tx))).rejects.toMatchObject(taken);
  expect(outbox.waiting()).toEqual([first]);
  expect(await nonce()).toBe(shown + 1);
  await submit(second, txId(first.tx));
  expect(outbox.waiting()).toEqual([second]);
});

test('what another device sent with the same keys holds its nonce and its coins', async () => {
  const { submit, nonce, pool, spendable } = await serving();
  const [shown, before] = [await nonce(), await spendable()];
  const theirs = transfer(bob, shown, ann, 7n);
  expect(pool.add(theirs, 0)).toBeUndefined();
  expect(await nonce()).toBe(shown + 1);
  expect(await spendable()).toBe(before - 7n - theirs.tx.fee);
  await expect(submit(transfer(bob, shown, ann, 2n, 10_000n))).rejects.toMatchObject({
    code: 'NONCE_TAKEN',
  });
});
