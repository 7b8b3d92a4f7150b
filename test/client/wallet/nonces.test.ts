/** Nonces of what one account sends: payments and openings of channels, some of which no block takes. */
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
  coins,
  GENESIS_ID,
  mine,
  CONTEXT,
  openChain,
  PARAMS,
  person,
  prepay,
  transfer,
} from '../../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

/** Bob, who has coins, on a real chain; `block` mines without him. */
async function paying() {
  const chain = await openChain();
  await mine(chain, ann, 6);
  expect(await chain.addTx(transfer(ann, 0, bob, 5n * NANOVOLTS))).toBeUndefined();
  await mine(chain, ann, 1);
  const pool = createLightPool(PARAMS, CONTEXT);
  const outbox = await Outbox.open(createMemoryStore());
  await outbox.belongTo(GENESIS_ID);
  // Blocks later her coins come, and with them her nonces.
  const born = chain.account(bob.address)!.nonce;
  const last = async () => {
    const { balance, nonce } = chain.account(bob.address)!;
    return { spendable: balance, nonce };
  };
  const sending = createSending({
    params: PARAMS,
    pool,
    outbox,
    chain: { headers: { head: chain.head, genesis: { id: GENESIS_ID } } },
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
  return { born, outbox, pool, block, submit, nonce, spendable };
}

test('payments behind a gap wait, and go as soon as it is filled', async () => {
  const { born, submit, nonce, block, pool, outbox } = await paying();
  const gone = prepay(bob, born, ann, { expiry: 20 });
  const behind = [1n, 2n].map((n) => transfer(bob, born + n, ann, 1n));
  for (const tx of [gone, ...behind]) await submit(tx);
  expect(pool.of(bob.address)).toHaveLength(3);
  // Nobody took the first while it could be mined.
  await block(20);
  await outbox.noteHead(27, []);
  expect(pool.of(bob.address)).toEqual([]);
  expect(outbox.waiting()).toEqual(behind);
  expect(await nonce()).toBe(born);
  await submit(transfer(bob, born, ann, 3n));
  expect(pool.of(bob.address).map(({ tx }) => tx.nonce - born)).toEqual([0n, 1n, 2n]);
});

test('a nonce that waits is only taken where that was asked', async () => {
  const { submit, nonce, outbox } = await paying();
  const shown = await nonce();
  const first = transfer(bob, shown, ann, 1n);
  // Ten times the fee would displace the first in every pool.
  const second = transfer(bob, shown, ann, 2n, 100_000n);
  const taken = { code: 'NONCE_TAKEN' };
  // At once, as from two tabs; then one after the other.
  const both = await Promise.allSettled([submit(first), submit(second)]);
  expect(both[1]).toMatchObject({ status: 'rejected', reason: taken });
  await expect(submit(second)).rejects.toMatchObject(taken);
  await expect(submit(second, txId(GENESIS_ID, second.tx))).rejects.toMatchObject(taken);
  expect(outbox.waiting()).toEqual([first]);
  expect(await nonce()).toBe(shown + 1n);
  await submit(second, txId(GENESIS_ID, first.tx));
  expect(outbox.waiting()).toEqual([second]);
});

test('what another device sent with the same keys holds its nonce and its coins', async () => {
  const { submit, nonce, pool, spendable } = await paying();
  const [shown, before] = [await nonce(), await spendable()];
  const theirs = transfer(bob, shown, ann, 7n);
  expect(pool.add(theirs, 0)).toBeUndefined();
  expect(await nonce()).toBe(shown + 1n);
  expect(await spendable()).toBe(before - coins(7n) - theirs.tx.fee);
  await expect(submit(transfer(bob, shown, ann, 2n, 100_000n))).rejects.toMatchObject({
    code: 'NONCE_TAKEN',
  });
});
