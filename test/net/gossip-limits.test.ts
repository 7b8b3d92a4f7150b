/** Every limit of what peers say, from both sides: what reaches it passes, what is over it is refused. */
import { bodyOf } from '../../src/core/tx/body.ts';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encode } from '../../src/core/codec.ts';
import { fault, type FaultCode } from '../../src/core/faults.ts';
import { BlockAnnounce, GOSSIP_BYTES_MAX, TxAnnounce } from '../../src/core/messages.ts';
import { Offer, OFFER_BYTES_MAX } from '../../src/core/offer.ts';
import { silentLog } from '../../src/lib/log.ts';
import {
  blockTopic,
  createGossip,
  FLOOD_RATE,
  GOSSIP_RATE,
  offerTopic,
  TX_RELAY_RATE,
  txTopic,
  VALIDATING_MAX,
} from '../../src/net/gossip.ts';
import { peerTopic, RECORD_BYTES_MAX, startMesh } from '../../src/net/mesh.ts';
import { newPrivateKey } from '../../src/net/peer-key.ts';
import { BUCKETS_MAX, RateLimiter } from '../../src/net/rate.ts';
import { RECORD_MS, RECORD_RATE } from '../../src/net/records/record-policy.ts';
import type { Verdict } from '../../src/net/transport.ts';
import { CHAIN } from './chain-id.ts';
import { startHost } from './peers.ts';
import { blockAnnounce, offerAt, proof, signedTx } from './samples.ts';

const { Accept, Ignore, Reject } = TopicValidatorResult;

const newPeer = async () => {
  const key = privateKeyFromProtobuf(await newPrivateKey());
  return { key, id: peerIdFromPrivateKey(key) };
};

/** The validator that the real host calls, and what it charged. */
async function openTopic(topic: string, hear: () => Promise<Verdict> = async () => 'accept') {
  const host = await startHost();
  const charged: FaultCode[] = [];
  const charge = (_: string, f: { fault: FaultCode }) => void charged.push(f.fault);
  const wiring = { host, chainId: CHAIN, version: 2, charge, log: silentLog };
  createGossip({
    ...wiring,
    handlers: {
      onBlock: hear,
      onTx: hear,
      onOffer: hear,
      onRequest: async () => ({ type: 'unavailable', reason: '' }),
      onPeers: () => {},
    },
  });
  const signal = new AbortController().signal;
  startMesh({ ...wiring, privateKey: await newPrivateKey(), meets: false, signal });
  const validator = host.services.pubsub.topicValidators.get(topic)!;
  const judge = async (from: PeerId, data: Uint8Array) =>
    await validator(from, { type: 'unsigned', topic, data });
  return { judge, charged };
}

/** An announcement of exactly so many bytes. */
function announceOf(bytes: number): Uint8Array {
  const { block, sequence } = blockAnnounce(0);
  const make = (txs: number, rows: number) =>
    encode(BlockAnnounce, {
      block: {
        ...block,
        body: bodyOf(Array.from({ length: txs }, () => block.body.transactions[0]!)),
        proof: { ...proof(rows), columns: new Uint8Array(65_536) },
      },
      sequence,
    });
  // The body first, then the proof's rows to the byte.
  const each = (make(200, 0).length - make(100, 0).length) / 100;
  const txs = Math.floor((bytes - 50_000 - make(100, 0).length) / each) + 100;
  return make(txs, 20_000 + bytes - make(txs, 20_000).length);
}

describe('gossip', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  it('takes a message of GOSSIP_BYTES_MAX, and charges one byte more', async () => {
    const { judge, charged } = await openTopic(blockTopic(CHAIN));
    const { id } = await newPeer();
    const whole = announceOf(GOSSIP_BYTES_MAX);
    expect(whole.length).toBe(GOSSIP_BYTES_MAX);
    expect(await judge(id, whole)).toBe(Accept);
    expect(charged).toEqual([]);
    expect(await judge(id, announceOf(GOSSIP_BYTES_MAX + 1))).toBe(Reject);
    expect(charged).toEqual(['wire.too-large']);
  });

  it('puts a block of newer rules aside, whatever is in it; no other topic has a version', async () => {
    const hear = vi.fn(async (): Promise<Verdict> => 'accept');
    const { judge, charged } = await openTopic(blockTopic(CHAIN), hear);
    const { id } = await newPeer();
    const known = encode(BlockAnnounce, blockAnnounce(0));
    expect(await judge(id, Uint8Array.of(3, 1, 2))).toBe(Ignore);
    expect(await judge(id, Uint8Array.of(255, ...known.subarray(1)))).toBe(Ignore);
    expect(charged).toEqual(['wire.newer', 'wire.newer']);
    expect(hear).not.toHaveBeenCalled();
    expect(await judge(id, known)).toBe(Accept);
    expect(await judge(id, Uint8Array.of(2, 1, 2))).toBe(Reject);
    const txs = await openTopic(txTopic(CHAIN), hear);
    expect(await txs.judge(id, Uint8Array.of(255))).toBe(Reject);
  });

  it('takes an offer of OFFER_BYTES_MAX at most', async () => {
    const { judge, charged } = await openTopic(offerTopic(CHAIN));
    const { id } = await newPeer();
    expect(await judge(id, encode(Offer, offerAt(1)))).toBe(Accept);
    expect(await judge(id, new Uint8Array(OFFER_BYTES_MAX))).toBe(Reject);
    expect(await judge(id, new Uint8Array(OFFER_BYTES_MAX + 1))).toBe(Reject);
    expect(charged).toEqual(['wire.malformed', 'wire.too-large']);
  });

  it('judges a burst of one peer, drops what is over it, charges a flood; others go on', async () => {
    const { judge, charged } = await openTopic(blockTopic(CHAIN));
    const { id } = await newPeer();
    const data = encode(BlockAnnounce, blockAnnounce(0));
    for (let i = 0; i < GOSSIP_RATE.burst; i++) expect(await judge(id, data)).toBe(Accept);
    for (let i = GOSSIP_RATE.burst; i < FLOOD_RATE.burst; i++)
      expect(await judge(id, data)).toBe(Ignore);
    expect(charged).toEqual([]);
    expect(await judge(id, data)).toBe(Reject);
    expect(charged).toEqual(['wire.rate']);
    expect(await judge((await newPeer()).id, data)).toBe(Accept);
    vi.advanceTimersByTime(1000);
    for (let i = 0; i < GOSSIP_RATE.perSecond; i++) expect(await judge(id, data)).toBe(Accept);
    expect(await judge(id, data)).toBe(Ignore);
  });

  it('passes on fewer transactions of a crowd than its receivers call a flood, and every block', async () => {
    const heard: string[] = [];
    const crowd = await Promise.all(Array.from({ length: 6 }, newPeer));
    const passedOn = async (topic: string, data: Uint8Array) => {
      heard.length = 0;
      const { judge } = await openTopic(topic, async () => (heard.push(topic), 'accept'));
      let passed = 0;
      for (const { id } of crowd)
        for (let i = 0; i < GOSSIP_RATE.burst; i++)
          if ((await judge(id, data)) === Accept) passed++;
      expect(heard.length).toBe(crowd.length * GOSSIP_RATE.burst);
      return passed;
    };
    expect(await passedOn(txTopic(CHAIN), encode(TxAnnounce, { tx: signedTx, sequence: 1 }))).toBe(
      TX_RELAY_RATE.burst,
    );
    expect(TX_RELAY_RATE.burst).toBeLessThan(FLOOD_RATE.burst);
    expect(TX_RELAY_RATE.perSecond).toBeLessThan(FLOOD_RATE.perSecond);
    const block = encode(BlockAnnounce, blockAnnounce(0));
    expect(await passedOn(blockTopic(CHAIN), block)).toBe(heard.length);
  });

  it('judges so many messages at once, and no more', async () => {
    const waiting: ((verdict: Verdict) => void)[] = [];
    const { judge } = await openTopic(blockTopic(CHAIN), () => new Promise((r) => waiting.push(r)));
    const { id } = await newPeer();
    const data = encode(BlockAnnounce, blockAnnounce(0));
    const judged = Array.from({ length: VALIDATING_MAX }, () => judge(id, data));
    expect(await judge(id, data)).toBe(Ignore);
    waiting.shift()!('accept');
    expect(await judged.shift()).toBe(Accept);
    judged.push(judge(id, data));
    while (waiting.length) waiting.shift()!('ignore');
    expect(new Set(await Promise.all(judged))).toEqual(new Set([Ignore]));
  });

  it('refuses what a handler faults, but not for a fault that costs nothing', async () => {
    let verdict: Verdict = fault('proof.target');
    const { judge } = await openTopic(blockTopic(CHAIN), async () => verdict);
    const { id } = await newPeer();
    const data = encode(BlockAnnounce, blockAnnounce(0));
    expect(await judge(id, data)).toBe(Reject);
    verdict = fault('header.parent-unknown');
    expect(await judge(id, data)).toBe(Ignore);
  });
});

describe('peer records', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  /** A signed record, of so many bytes if told. */
  async function seal(author: Awaited<ReturnType<typeof newPeer>>, seqNumber: bigint, bytes = 0) {
    const make = async (pad: number) => {
      const labels = Array.from({ length: Math.ceil(pad / 60) }, (_, i) =>
        'x'.repeat(Math.min(60, pad - 60 * i)),
      );
      const multiaddrs = labels.map((label) => multiaddr(`/dns4/${label}`));
      const record = new PeerRecord({ peerId: author.id, multiaddrs, seqNumber });
      return (await RecordEnvelope.seal(record, author.key)).marshal();
    };
    let best = await make(0);
    for (let pad = Math.max(0, bytes - 600); best.length < bytes; pad++) best = await make(pad);
    return best;
  }
  const now = () => BigInt(Date.now());

  it('are of RECORD_BYTES_MAX at most', async () => {
    const { judge, charged } = await openTopic(peerTopic(CHAIN));
    const author = await newPeer();
    const whole = await seal(author, now(), RECORD_BYTES_MAX);
    expect(whole.length).toBe(RECORD_BYTES_MAX);
    expect(await judge(author.id, whole)).toBe(Accept);
    expect(charged).toEqual([]);
    expect(await judge(author.id, await seal(author, now(), RECORD_BYTES_MAX + 1))).toBe(Reject);
    expect(charged).toEqual(['wire.malformed']);
  });

  it('are signed by their author', async () => {
    const { judge, charged } = await openTopic(peerTopic(CHAIN));
    const [author, other] = [await newPeer(), await newPeer()];
    const forged = await seal({ id: author.id, key: other.key }, now());
    expect(await judge(other.id, forged)).toBe(Reject);
    expect(charged).toEqual(['wire.malformed']);
  });

  it('are dropped when stale or from the future', async () => {
    const { judge, charged } = await openTopic(peerTopic(CHAIN));
    const [late, early] = [await newPeer(), await newPeer()];
    const at = now() - BigInt(RECORD_MS);
    expect(await judge(late.id, await seal(late, at - 1n))).toBe(Ignore);
    expect(await judge(late.id, await seal(late, at))).toBe(Accept);
    const ahead = now() + BigInt(RECORD_MS);
    expect(await judge(early.id, await seal(early, ahead + 1n))).toBe(Ignore);
    expect(await judge(early.id, await seal(early, ahead))).toBe(Accept);
    expect(charged).toEqual([]);
  });

  it('go on once, and come through a peer at a bounded rate', async () => {
    const { judge, charged } = await openTopic(peerTopic(CHAIN));
    const [relay, author] = [await newPeer(), await newPeer()];
    const record = await seal(author, now());
    expect(await judge(relay.id, record)).toBe(Accept);
    for (let i = 1; i < RECORD_RATE.burst; i++) expect(await judge(relay.id, record)).toBe(Ignore);
    const fresh = await newPeer();
    const another = await seal(fresh, now());
    expect(await judge(relay.id, another)).toBe(Ignore);
    expect(await judge(fresh.id, another)).toBe(Accept);
    expect(charged).toEqual([]);
  });
});

it('rates are kept for a bounded number of peers, the ones seen last', () => {
  const rate = new RateLimiter({ perSecond: 0.001, burst: 1 });
  for (let i = 0; i < BUCKETS_MAX; i++) expect(rate.take(`p${i}`, 1, 0)).toBe(true);
  expect(rate.take('p0', 1, 0)).toBe(false);
  expect(rate.take('new', 1, 0)).toBe(true);
  expect(rate.take('p0', 1, 0)).toBe(false);
  expect(rate.take('p1', 1, 0)).toBe(true);
});
