/**
 * Keeps the light chain at the network's head: asks peers where they stand, fetches headers, then the
 * proofs they need, then the head's body and witness, so that the state root after the head is known.
 */
import type { LightChain } from '../chain/light-chain.ts';
import { bodyRoot } from '../core/body.ts';
import { fault, isFault, type Fault } from '../core/faults.ts';
import type { Body, Header } from '../core/formats.ts';
import { blockId, type ChainPoint } from '../core/header.ts';
import {
  BLOCKS_MAX,
  HEADERS_MAX,
  LOCATOR_MAX,
  type Block,
  type BlockAnnounce,
  type ResponseTo,
  type Status,
  type SyncRequest,
} from '../core/messages.ts';
import { BoundedMap } from '../lib/bounded.ts';
import { equal, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { SerialQueue } from '../lib/queue.ts';
import type { PeerInfo, Transport, Verdict } from '../net/transport.ts';
import type { SyncState } from './api.ts';

/** Bodies of new blocks kept for executing them and finding transactions. */
const BODIES_KEPT = 64;
/** Older blocks whose proofs are drawn at random and checked. */
const SAMPLE = 64;
/** Waits for a witness of a head that peers have only just been told of. */
const WITNESS_TRIES = 12;
const WITNESS_WAIT_MS = 150;
/** Catch-ups that may wait: one per peer is plenty. */
const QUEUE_MAX = 64;

export interface FollowParts {
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly random: () => number;
  /** The full check, where the model is loaded. */
  readonly checkFully: ((block: Block) => Promise<Fault | undefined>) | undefined;
  /** The genesis to take when the configuration names none. */
  readonly trustFirstGenesis: boolean;
  /** Anything that screens show has changed. */
  readonly onChange: () => void;
  /** The state root after this head is known. */
  readonly onHead: (head: ChainPoint, body: Body | undefined) => Promise<void>;
}

export interface Follower {
  meet(peers: readonly PeerInfo[]): void;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  /** Takes a block of our own; the caller has announced it or will. */
  adopt(block: Block): Promise<Fault | undefined>;
  /** Asks peers in turn until one has it; undefined when none does. */
  ask<T extends SyncRequest['type']>(
    request: Extract<SyncRequest, { type: T }>,
  ): Promise<{ peer: string; answer: ResponseTo<T> } | undefined>;
  bodyOf(header: Header): Promise<Body | undefined>;
  sync(): SyncState;
  /** Peers that told of this head. */
  agreeing(): number;
  /** Asks every peer for its status again. */
  poll(): void;
}

export function createFollower(parts: FollowParts): Follower {
  const { chain, transport } = parts;
  const statuses = new Map<string, Status>();
  const bodies = new BoundedMap<string, Body>(BODIES_KEPT);
  const queue = new SerialQueue(QUEUE_MAX);
  let sampled = false;
  let everMet = false;
  let settling: Promise<void> | undefined;

  const ask: Follower['ask'] = async (request) => {
    const peers = [...transport.peers()].sort(
      (a, b) => (statuses.get(b.id)?.height ?? 0) - (statuses.get(a.id)?.height ?? 0),
    );
    for (const { id: peer } of peers) {
      const answer = await transport.request(peer, request).catch(() => undefined);
      if (answer?.type === request.type) return { peer, answer: answer as never };
    }
    return undefined;
  };

  async function bodyOf(header: Header): Promise<Body | undefined> {
    const id = blockId(header);
    const known = bodies.get(toHex(id));
    if (known) return known;
    const got = await ask({ type: 'blocks', ids: [id] });
    const body = got?.answer.blocks.find((b) => equal(b.id, id))?.body;
    if (!body || !equal(bodyRoot(body), header.bodyRoot)) return undefined;
    bodies.set(toHex(id), body);
    return body;
  }

  /** Runs one task about a peer; its failure is the network's, and told nobody but the log. */
  const enqueue = (task: () => Promise<void>): void =>
    void queue
      .run(task)
      .catch(() => undefined)
      .finally(parts.onChange);

  async function catchUp(peer: string): Promise<void> {
    const answer = await transport.request(peer, { type: 'status' });
    if (answer.type !== 'status') return;
    if (!chain.genesis() && parts.trustFirstGenesis) await chain.openOrReset(answer.genesis);
    const genesis = chain.genesis();
    if (!genesis || !equal(blockId(answer.genesis), genesis.id)) return;
    statuses.set(peer, answer);
    parts.onChange();
    if (answer.totalWork > (chain.head()?.header.totalWork ?? 0n)) await fetchHeaders(peer);
    if (!sampled) await chain.chooseSample(Array.from({ length: SAMPLE }, parts.random));
    sampled = true;
    await fetchProofs(peer);
    await dropUnproven(peer, answer.head);
    await settleHead();
  }

  /** Along the peer's branch to its end: each question starts at the last header that it gave. */
  async function fetchHeaders(peer: string): Promise<void> {
    const own = await chain.locator();
    let last: Uint8Array | undefined;
    for (;;) {
      const locator = (last ? [last, ...own] : own).slice(0, LOCATOR_MAX);
      const answer = await transport.request(peer, { type: 'headers', locator, max: HEADERS_MAX });
      const newest = answer.type === 'headers' ? answer.headers.at(-1) : undefined;
      if (answer.type !== 'headers' || !newest) return;
      const result = await chain.importHeaders(answer.headers);
      if (isFault(result)) return transport.charge(peer, result);
      parts.onChange();
      const id = blockId(newest);
      if (answer.headers.length < HEADERS_MAX || (last && equal(last, id))) return;
      last = id;
    }
  }

  /** Until nothing is wanted that this peer has. */
  async function fetchProofs(peer: string): Promise<void> {
    for (;;) {
      const ids = chain
        .wantedProofs()
        .slice(0, BLOCKS_MAX)
        .map(({ id }) => id);
      if (!ids.length) return;
      const answer = await transport.request(peer, { type: 'blocks', ids });
      if (answer.type !== 'blocks') return;
      let got = 0;
      for (const { id, body, proof } of answer.blocks) {
        if (!proof || !ids.some((wanted) => equal(wanted, id))) continue;
        const refused = await chain.importProof(id, proof);
        if (refused) return transport.charge(peer, refused);
        bodies.set(toHex(id), body);
        got++;
      }
      parts.onChange();
      if (!got) return;
    }
  }

  /** Headers cost nothing to make: a peer that boasts of a branch must be able to prove it. */
  async function dropUnproven(peer: string, tip: Uint8Array): Promise<void> {
    const best = chain.bestHeader();
    if (!best || !equal(best.id, tip) || equal(best.id, chain.head()!.id)) return;
    await chain.dropBranch(best.id);
    transport.charge(peer, fault('wire.unproven', { height: best.header.height }));
  }

  /** Executes the head on its witness, until the root after it is known; once at a time. */
  function settleHead(): Promise<void> {
    settling ??= (async () => {
      for (let tries = 0; tries < WITNESS_TRIES; tries++) {
        const head = chain.head();
        if (!head) return;
        if (chain.rootAfter(head.id) || (await executeHead(head))) {
          const body = bodies.get(toHex(head.id));
          await parts.onHead(head, body);
          if (chain.head() === head) return;
          tries = 0;
        } else await new Promise((r) => setTimeout(r, WITNESS_WAIT_MS * (tries + 1)));
      }
    })().finally(() => {
      settling = undefined;
      parts.onChange();
    });
    return settling;
  }

  async function executeHead({ header, id }: ChainPoint): Promise<boolean> {
    const body = await bodyOf(header);
    const got = body && (await ask({ type: 'witness', block: id }));
    if (!got) return false;
    const refused = await chain.executeOn({ header, body }, got.answer.proof);
    if (refused) {
      transport.charge(got.peer, refused);
      return false;
    }
    noteHead(got.peer, header);
    return true;
  }

  /** The peer has this block: it gave it, or what only its holder can give. */
  function noteHead(peer: string, header: Header): void {
    const status = statuses.get(peer);
    if (!status || header.totalWork <= status.totalWork) return;
    const { height, totalWork } = header;
    statuses.set(peer, { ...status, head: blockId(header), height, totalWork });
  }

  /** Header, full check where possible, proof: in this order, because a head needs all. */
  async function take(block: Block): Promise<Fault | undefined> {
    const headers = await chain.importHeaders([block.header]);
    if (isFault(headers)) return headers;
    const wrong = await parts.checkFully?.(block);
    if (wrong) return wrong;
    const id = blockId(block.header);
    bodies.set(toHex(id), block.body);
    return chain.importProof(id, block.proof);
  }

  return {
    ask,
    bodyOf,
    meet(peers) {
      const here = new Set(peers.map(({ id }) => id));
      for (const id of statuses.keys()) if (!here.has(id)) statuses.delete(id);
      everMet ||= here.size > 0;
      for (const id of here) if (!statuses.has(id)) enqueue(() => catchUp(id));
      parts.onChange();
    },
    poll() {
      for (const { id } of transport.peers()) enqueue(() => catchUp(id));
    },
    async onBlock(peer, { block }) {
      if (!chain.genesis()) return 'ignore';
      try {
        if (!equal(bodyRoot(block.body), block.header.bodyRoot)) return fault('body.root');
        const refused = await take(block);
        if (refused?.fault === 'header.parent-unknown') {
          enqueue(() => catchUp(peer));
          return 'ignore';
        }
        if (refused) return refused;
        noteHead(peer, block.header);
        void settleHead();
        return 'accept';
      } catch (e) {
        if (AppError.from(e).code === 'INTERNAL') throw e;
        return 'ignore';
      }
    },
    async adopt(block) {
      const refused = await take(block);
      void settleHead();
      return refused;
    },
    sync() {
      if (!transport.peers().length) return everMet ? 'offline' : 'connecting';
      return queue.size ? 'syncing' : 'synced';
    },
    agreeing() {
      const head = chain.head();
      return head ? [...statuses.values()].filter((s) => equal(s.head, head.id)).length : 0;
    },
  };
}
