/** The explorer believes nobody: a real chain answers, and peers that lie stand before the honest one. */
import { bodyOf } from '../../../src/core/tx/body.ts';
import { CALM } from '../../../src/chain/shared/outlook.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../../src/chain/shared/answer.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import type { LightChain } from '../../../src/chain/light/light-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { MINER_OFF, type ChainStatus } from '../../../src/client/api.ts';
import {
  createDiagnostics,
  withoutPlaces,
  type DiagnosticsReport,
} from '../../../src/client/explorer/diagnostics.ts';
import { createExplorer, headersOf, type Explorer } from '../../../src/client/explorer/explorer.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import type { Follower } from '../../../src/client/sync/follow.ts';
import { Outbox } from '../../../src/client/wallet/outbox.ts';
import { formatAddress } from '../../../src/core/address.ts';
import { encode } from '../../../src/core/codec.ts';
import { Proof, type SignedTx } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import type { SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import { FAUCET_SUPPLY, NANOVOLTS } from '../../../src/core/params.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { ERROR_CODES } from '../../../src/lib/error-codes.ts';
import type { Emitter } from '../../../src/lib/events.ts';
import { NO_TRAFFIC, type Transport } from '../../../src/net/transport.ts';
import {
  GENESIS_ID,
  close,
  mine,
  MODELS,
  openChain,
  PARAMS,
  person,
  prepay,
  PROOF,
  START_MS,
  transfer,
} from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';
import { openFollower } from '../open-follower.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;
type Answer = (request: SyncRequest) => Promise<SyncResponse>;

let full: FullChain;
const answers = new Map<string, Answer>();
const charged: string[] = [];

/** Peers in this process, asked in the order of `answers`. */
const transport: Transport = {
  start: async () => undefined,
  stop: async () => undefined,
  peers: () =>
    [...answers.keys()].map((id) => ({
      id,
      origin: 'outbound' as const,
      link: 'webrtc' as const,
      penalty: 0,
      address: `/ip4/192.0.2.7/udp/9090/webrtc-direct/certhash/uEiB/p2p/${id}`,
    })),
  ownId: () => 'me',
  addresses: () => [],
  traffic: () => NO_TRAFFIC,
  request: (peer, asked) => answers.get(peer)!(asked),
  ask: () => Promise.reject(new Error('no streams here')),
  announceBlock: async () => undefined,
  announceTx: async () => undefined,
  announceOffer: async () => 0,
  charge: (peer, { fault }) => void charged.push(`${peer} ${fault}`),
};
const honest: Answer = (asked) => answer(full, asked, () => []);
const none: SyncResponse = { type: 'unavailable', reason: 'no' };
/** Gives this answer to questions of that type, and nothing else. */
const saying =
  (type: SyncRequest['type'], said: SyncResponse): Answer =>
  async (asked) =>
    asked.type === type ? said : none;

/** All of the state after the head, from the full chain. */
async function learnState(chain: LightChain): Promise<void> {
  const { id } = full.head();
  const { body } = (await full.parts([id]))[0]!;
  const witness = await full.witness(id);
  expect(await chain.blocks.execute({ header: full.head().header, body }, witness)).toBeUndefined();
  for (let part = chain.state.wanted(); part; part = chain.state.wanted())
    expect(
      await chain.state.learn(part.block, (await full.statePart(part.block, part.from))!),
    ).toBe(undefined);
  expect(chain.state.isWhole).toBe(true);
}

interface Made {
  readonly chain: LightChain;
  readonly follower: Follower;
  readonly outbox: Outbox;
  readonly explorer: Explorer;
  readonly events: Emitter<PeerEvents>;
  readonly diagnostics: DiagnosticsReport;
}

/** A light client of the chain's blocks, with all of the state if asked. */
async function open(pool: readonly SignedTx[] = [], withState = false): Promise<Made> {
  const chain = await openLightChain({ now: () => START_MS + 1_000_000 }, await full.header(0));
  await chain.headers.import(await full.headersAfter([], 512));
  for (const { id } of chain.proofs.wanted()) await chain.proofs.import(id, PROOF);
  if (withState) await learnState(chain);
  const outbox = await Outbox.open(createMemoryStore());
  await outbox.belongTo(GENESIS_ID);
  const { follower, reader, events } = openFollower(chain, transport);
  const status = (): ChainStatus => ({
    network: 'e2e',
    prefix: 'rpila',
    sync: 'synced',
    peersAgreeing: 1,
    peersAsked: 1,
    mempool: 0,
    height: 1,
    headId: chain.headers.head().id,
    headTimeMs: START_MS,
    totalWork: 1n,
    genesisId: chain.headers.genesis.id,
    proofsChecked: 3,
    difficulty: 5n,
    holdsState: false,
    outlook: CALM,
    finalBlocks: 6,
    peers: transport.peers(),
    traffic: transport.traffic(),
  });
  const explorer = createExplorer({
    network: { params: PARAMS, models: MODELS, names: [] },
    chain,
    outbox,
    reader,
    pool: { get: (hex) => pool.find(({ tx }) => toHex(txId(GENESIS_ID, tx)) === hex) },
  });
  const diagnostics = createDiagnostics({
    outbox,
    status,
    worker: { status: () => MINER_OFF },
    events,
    nowMs: () => START_MS,
  });
  return { chain, follower, outbox, explorer, events, diagnostics };
}

const gift = transfer(ann, 0, bob, 7n * NANOVOLTS);
const opening = prepay(ann, 1, bob);
const another = prepay(ann, 2, bob);

beforeAll(async () => {
  // Of the genesis that vouchers of these tests are for.
  const genesisTimeMs = async () => START_MS;
  full = await openChain(undefined, { ms: START_MS + 1_000_000 }, { genesisTimeMs });
  await mine(full, ann, 5);
  for (const tx of [gift, opening, another]) expect(await full.addTx(tx)).toBeUndefined();
  await mine(full, cat, 1);
  expect(await full.addTx(close(bob, txId(GENESIS_ID, opening.tx), 500_000n))).toBeUndefined();
  await mine(full, cat, 10);
  answers.set('honest', honest);
});

it('headers in a row end where they are asked to, within the chain and the bound', async () => {
  const { chain } = await open();
  const head = chain.headers.head().header.height;
  const heights = async (last: number, max: number) =>
    (await headersOf(chain, last, max)).map(({ height }) => height);
  expect(await heights(8, 3)).toEqual([6, 7, 8]);
  expect(await heights(head + 50, 2)).toEqual([head - 1, head]);
  expect((await heights(head, Infinity)).length).toBe(head + 1);
  for (const [last, max] of [
    [-1, 5],
    [3, 0],
    [3, -2],
    [3, NaN],
    [1.5, 2],
  ] as const)
    expect(await heights(last, max)).toEqual([]);
});

describe('a block', () => {
  it('is the same by height and by id, with its body, work and depth', async () => {
    const { explorer } = await open();
    const byHeight = (await explorer.block(6))!;
    expect(byHeight.txIds).toEqual([gift, opening, another].map(({ tx }) => txId(GENESIS_ID, tx)));
    expect(byHeight).toMatchObject({
      confirmations: 10,
      workChecked: true,
      proof: { linear: 2, bytes: encode(Proof, PROOF).length },
    });
    expect(byHeight.id).toEqual(blockId((await full.header(6))!));
    expect(await explorer.block(byHeight.id)).toEqual(byHeight);
  });

  it('of the beginning is empty and needs no peer', async () => {
    const { explorer } = await open();
    answers.clear();
    expect(await explorer.block(0)).toMatchObject({
      body: bodyOf(),
      txIds: [],
      workChecked: false,
    });
    expect(await explorer.block(6)).toMatchObject({ body: undefined, txIds: [] });
    answers.set('honest', honest);
  });

  it('that is none gives nothing', async () => {
    const { explorer } = await open();
    for (const at of [17, -1, 1.5, NaN, 2 ** 40, new Uint8Array(32), new Uint8Array(3)])
      expect(await explorer.block(at)).toBeUndefined();
  });

  it('with another body is refused and charged, and the next peer asked', async () => {
    const { explorer } = await open();
    const id = blockId((await full.header(6))!);
    const other = (await full.parts([blockId((await full.header(7))!)]))[0]!;
    answers.clear();
    answers.set('liar', saying('blocks', { type: 'blocks', blocks: [{ ...other, id }] }));
    answers.set('honest', honest);
    charged.length = 0;
    expect((await explorer.block(6))?.txIds).toHaveLength(3);
    expect(charged).toEqual(['liar body.root']);
    answers.delete('liar');
  });
});

describe('a transaction', () => {
  const id = txId(GENESIS_ID, gift.tx);

  it('is found in its block', async () => {
    const { explorer } = await open();
    const blockIdOf6 = blockId((await full.header(6))!);
    const place = { position: { height: 6, index: 0 }, blockId: blockIdOf6, confirmations: 10 };
    expect(await explorer.transaction(id)).toEqual({ id, tx: gift, ...place });
  });

  it('that opened a channel is found itself, not its close', async () => {
    const { explorer } = await open();
    const found = await explorer.transaction(txId(GENESIS_ID, opening.tx));
    expect(found).toMatchObject({ tx: opening, position: { height: 6, index: 1 } });
  });

  it('told to be where it is not is not believed', async () => {
    const { explorer } = await open();
    const wrong = [
      { height: 1, index: 0 },
      { height: 6, index: 1 },
      { height: 4_000_000_000, index: 9 },
    ];
    answers.clear();
    answers.set('liar', async (asked) =>
      asked.type === 'find' ? { type: 'find', positions: wrong } : honest(asked),
    );
    expect(await explorer.transaction(id)).toBeUndefined();
    answers.set('honest', honest);
    expect((await explorer.transaction(id))?.position).toEqual({ height: 6, index: 0 });
    answers.delete('liar');
  });

  it('waits in the pool, or is ours, without a place', async () => {
    const waiting = transfer(bob, 9, cat, 1n);
    const ours = transfer(ann, 9, cat, 1n);
    const { explorer, outbox } = await open([waiting]);
    await outbox.add(ours);
    for (const tx of [waiting, ours])
      expect(await explorer.transaction(txId(GENESIS_ID, tx.tx))).toMatchObject({
        tx,
        position: undefined,
        blockId: undefined,
        confirmations: 0,
      });
    await outbox.replace(txId(GENESIS_ID, ours.tx), 6);
    expect(await explorer.transaction(txId(GENESIS_ID, ours.tx))).toBeUndefined();
    expect(await explorer.transaction(new Uint8Array(32))).toBeUndefined();
    expect(await explorer.transaction(new Uint8Array(5))).toBeUndefined();
  });

  it('of ours that was confirmed needs no peer to say where', async () => {
    const { explorer, outbox } = await open();
    await outbox.add(gift);
    await outbox.noteHead(16, [{ id, height: 6 }]);
    answers.set('honest', (asked) =>
      asked.type === 'find' ? Promise.resolve(none) : honest(asked),
    );
    expect((await explorer.transaction(id))?.position).toEqual({ height: 6, index: 0 });
    answers.set('honest', honest);
  });
});

describe('the supply', () => {
  it('without the state is what the rules created', async () => {
    const { explorer } = await open();
    expect(await explorer.supply()).toEqual({
      height: 16,
      issued: FAUCET_SUPPLY + 16n * 50n * NANOVOLTS,
      held: undefined,
      burned: undefined,
      accounts: undefined,
    });
  });

  it('with it agrees with a full node: all that was created is there', async () => {
    const { explorer } = await open([], true);
    const { issued, accounts } = full.stats();
    expect(await explorer.supply()).toEqual({
      height: 16,
      issued: issued + FAUCET_SUPPLY,
      held: issued + FAUCET_SUPPLY,
      burned: 0n,
      accounts,
    });
  });

  it('counts what channels hold until it is paid or goes back', async () => {
    const genesisTimeMs = async () => START_MS;
    const chain = await openChain(undefined, { ms: START_MS + 1_000_000 }, { genesisTimeMs });
    const before = full;
    full = chain;
    await mine(chain, ann, 6);
    const [first, second] = [0, 1].map((nonce) => prepay(ann, nonce, bob));
    for (const tx of [first!, second!]) expect(await chain.addTx(tx)).toBeUndefined();
    await mine(chain, cat, 1);
    const missing = async () => (await (await open([], true)).explorer.supply()).burned;
    expect(await missing()).toBe(0n);
    expect(await chain.addTx(close(bob, txId(GENESIS_ID, first!.tx), 500_000n))).toBeUndefined();
    await mine(chain, cat, 1);
    expect(await missing()).toBe(490_000n);
    await mine(chain, cat, 60);
    // Too little for Bob, who has no account: that is gone.
    expect(await missing()).toBe(490_000n);
    full = before;
  });
});

describe('the report for bugs', () => {
  it('is plain, bounded, and names no address, peer or place', async () => {
    const { events, diagnostics, outbox } = await open();
    await outbox.add(gift);
    const secretMessage = `cannot read ${formatAddress(ann.address, 'rpila')}`;
    for (const code of ERROR_CODES.slice(0, 60))
      events.emit('report', { type: 'problem', code, message: secretMessage });
    const report = await diagnostics.report();
    const text = JSON.stringify(report);
    expect(report['problems']).toHaveLength(50);
    expect(text).toContain(`"${ERROR_CODES[59]}"`);
    expect(text).not.toContain(`"${ERROR_CODES[9]}"`);
    expect(text).toContain('/ip4/udp/webrtc-direct/p2p');
    expect(report['sent']).toEqual({ pending: 1 });
    for (const secret of [
      ...[ann, bob].flatMap(({ address, xonly, secret }) =>
        [address, xonly, secret].flatMap((bytes) => [toHex(bytes), formatAddress(bytes, 'rpila')]),
      ),
      ...['192.0.2.7', '9090', 'honest', 'uEiB', 'cannot read', toHex(txId(GENESIS_ID, gift.tx))],
    ])
      expect(text).not.toContain(secret);
  });

  it('keeps of a multiaddr only names of protocols', () => {
    expect(withoutPlaces('/dns4/home.example/tcp/443/tls/ws/p2p/12D3Koo/p2p-circuit/webrtc')).toBe(
      '/dns4/tcp/tls/ws/p2p/p2p-circuit/webrtc',
    );
    expect(withoutPlaces('')).toBe('/');
    expect(withoutPlaces('/ip6/fe80::1/evil<script>/udp/1')).toBe('/ip6/udp');
  });
});
