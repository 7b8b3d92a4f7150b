/** Sending over a real outbox: nonces and calls that are made again. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Balance } from '../../../src/client/api.ts';
import { createLightPool, type LightPool } from '../../../src/client/wallet/light-pool.ts';
import { Outbox } from '../../../src/client/wallet/outbox.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import { createSending, type SendingDeps } from '../../../src/client/wallet/sending.ts';
import { fault, type Fault } from '../../../src/core/faults.ts';
import type { HistoryEntry } from '../../../src/core/messages.ts';
import { signTx, txBytes, txId } from '../../../src/core/tx/tx.ts';
import { equal } from '../../../src/lib/bytes.ts';
import { Emitter } from '../../../src/lib/events.ts';
import { BORN, GENESIS_ID, CONTEXT, PARAMS, person, transfer } from '../../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const HEIGHT = 50;

/** A client whose head is at HEIGHT and whose account has used `nonce` nonces. */
async function openSending(
  nonce: number,
  refuse: () => Fault | undefined = () => undefined,
  inChain: readonly HistoryEntry[] = [],
  /** In the chain, and in no history. */
  emptied: readonly HistoryEntry[] = [],
) {
  const outbox = await Outbox.open(createMemoryStore());
  await outbox.belongTo(GENESIS_ID);
  const pool = createLightPool(PARAMS, CONTEXT);
  const add: LightPool['add'] = (tx, height) => refuse() ?? pool.add(tx, height);
  const sending = createSending({
    params: PARAMS,
    chain: {
      headers: { head: () => ({ header: { height: HEIGHT } }), genesis: { id: GENESIS_ID } },
    },
    announcer: { hasPeers: false },
    pool: { ...pool, add },
    outbox,
    accounts: {
      last: async () => ({
        address: ann.address,
        nonce: BORN + BigInt(nonce),
        spendable: 10n ** 12n,
      }),
      history: async () => ({ entries: inChain, next: undefined }),
      find: async (id: Uint8Array) => {
        const found = emptied.find(({ tx }) => equal(txId(GENESIS_ID, tx.tx), id));
        return found && { tx: found.tx.tx, height: found.position.height };
      },
      payees: { noteSubmitted: async () => undefined },
    },
    events: new Emitter<PeerEvents>(),
  } as unknown as SendingDeps);
  return { outbox, sending };
}

test('a nonce whose transaction expired is given again, or nothing after it could be mined', async () => {
  const { outbox, sending } = await openSending(3);
  const [inBlock, stuck] = [transfer(ann, 3, bob, 1n), transfer(ann, 5, bob, 1n)];
  const gone = signTx(
    GENESIS_ID,
    { ...transfer(ann, 4, bob, 1n).tx, expiry: HEIGHT - 1 },
    ann.secret,
  );
  for (const tx of [inBlock, gone, stuck]) await outbox.add(tx);
  const nonce = async () => (await sending.prepare(ann.address)).nonce;
  expect(await nonce()).toBe(BORN + 6n);
  // The last proven balance does not know of its block yet: 3 is not free.
  await outbox.noteHead(HEIGHT, [{ id: txId(GENESIS_ID, inBlock.tx), height: HEIGHT }]);
  expect(await nonce()).toBe(BORN + 4n);
});

test('one that was taken is not refused when it is submitted again after its block', async () => {
  let refused: Fault | undefined = undefined;
  const { sending } = await openSending(0, () => refused);
  const tx = transfer(ann, 0, bob, 1n);
  const first = await sending.submit(txBytes(tx));
  refused = fault('tx.nonce');
  expect(await sending.submit(txBytes(tx))).toEqual(first);
  await expect(sending.submit(txBytes(transfer(ann, 1, bob, 1n)))).rejects.toMatchObject({
    code: 'TX_REFUSED',
  });
});

test('of two that come at once with one nonce the first goes, also before the pool can judge them', async () => {
  const { sending, outbox } = await openSending(0);
  const [one, other] = [transfer(ann, 0, bob, 1n), transfer(ann, 0, bob, 2n, 100_000n)];
  const both = await Promise.allSettled([one, other].map((tx) => sending.submit(txBytes(tx))));
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(both[1]).toMatchObject({ reason: { code: 'NONCE_TAKEN' } });
  expect(outbox.waiting()).toEqual([one]);
});

test('one that was given up and is in the chain all the same is confirmed', async () => {
  const tx = transfer(ann, 0, bob, 1n);
  const entry = { tx, position: { height: 7, index: 0 } };
  const { outbox, sending } = await openSending(1, undefined, [entry]);
  await outbox.add(tx);
  await outbox.refuse(txId(GENESIS_ID, tx.tx));
  await sending.reconcile({ address: ann.address, nonce: BORN + 1n } as Balance);
  expect(outbox.all()).toMatchObject([{ state: 'confirmed', height: 7 }]);
});

test.each([
  ['none yet', 0n],
  ['a new one', BORN + (5n << 32n)],
])('one that emptied its account is confirmed, though the account has %s', async (_, nonce) => {
  const tx = transfer(ann, 0, bob, 1n);
  const entry = { tx, position: { height: 7, index: 0 } };
  const { outbox, sending } = await openSending(1, undefined, [], [entry]);
  await outbox.add(tx);
  await outbox.noteHead(tx.tx.expiry + 1, []);
  expect(outbox.all()).toMatchObject([{ state: 'expired' }]);
  await sending.reconcile({ address: ann.address, nonce } as Balance);
  expect(outbox.all()).toMatchObject([{ state: 'confirmed', height: 7 }]);
});
