/**
 * Keeps the light chain at the network's head: asks peers where they stand, fetches headers, then the
 * proofs they need, then the head's body and witness, so that the state root after the head is known.
 */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import type { LightStore } from '../../chain/light/light-store.ts';
import { bodyFaults, bodyRoot } from '../../core/tx/body.ts';
import { fault, firstFault, isFault, type Fault } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId, isFarBehind, type ChainPoint } from '../../core/header/header.ts';
import {
  BLOCKS_MAX,
  HEADERS_MAX,
  LOCATOR_MAX,
  type Block,
  type BlockAnnounce,
  type Status,
} from '../../core/messages.ts';
import { PROOFS_KEPT } from '../../core/params.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { PeerInfo, Transport, Verdict } from '../../net/transport.ts';
import type { SyncState } from '../api.ts';
import { createAsk, type Ask } from './ask-peers.ts';
import { createExecution } from './execution.ts';
import { createFullCheck, type CheckFully } from './full-check.ts';
import { createBackfill, type Backfill } from './backfill.ts';
import { createStateReader, type StateReader } from './state-reader.ts';
import { createBlockDeduper } from './block-deduper.ts';
import { createPeerQueue } from './peer-queue.ts';

/** Bodies of new blocks kept for executing them and finding transactions. */
const BODIES_KEPT = 64;
/** Older blocks whose proofs are drawn at random and checked. */
const SAMPLE = 64;
/** Waits for a witness of a head that peers have only just been told of. */
const WITNESS_TRIES = 12;
const WITNESS_WAIT_MS = 150;

export interface FollowParts {
  readonly light: LightStore;
  readonly transport: Transport;
  readonly random: () => number;
  /** ms for which one catch-up keeps the next waiting. */
  readonly turnMs?: number;
  /** The full check, where the model is loaded. */
  readonly checkFully: CheckFully;
  /** The genesis to take when the configuration names none. */
  readonly trustFirstGenesis: boolean;
  /** Anything that screens show has changed. */
  readonly onChange: () => void;
  /** The state root after this head is known. */
  readonly onHead: (head: ChainPoint, body: Body | undefined) => Promise<void>;
}

/** What the follower does needs a chain, and so a genesis. */
interface OnChain {
  readonly chain: LightChain;
  readonly executeHead: ReturnType<typeof createExecution>;
  readonly backfill: Backfill;
  readonly fully: ReturnType<typeof createFullCheck>;
  /** Judges an announced block that is not known yet. */
  readonly judgeOnce: (block: Block) => Promise<Verdict>;
}

export interface Follower {
  meet(peers: readonly PeerInfo[]): void;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  /** Takes a block of our own; the caller has announced it or will. */
  adopt(block: Block): Promise<Fault | undefined>;
  readonly ask: Ask;
  bodyOf(header: Header): Promise<Body | undefined>;
  readonly reader: StateReader;
  sync(): SyncState;
  /** A peer was caught up with since the start: what is found now builds on what others have. */
  ready(): boolean;
  /** Peers that told of this head. */
  agreeing(): number;
  /** Asks every peer for its status again. */
  poll(): void;
}

export function createFollower(parts: FollowParts): Follower {
  const { light, transport } = parts;
  const statuses = new Map<string, Status>();
  const bodies = new BoundedMap<string, Body>(BODIES_KEPT);
  let everMet = false;
  let caughtUp = false;
  let sampled = false;
  let settling: Promise<void> | undefined;

  const ask = createAsk(transport, (peer) => statuses.get(peer)?.height ?? 0);
  const reader = createStateReader(light, ask);
  let onChain: OnChain | undefined;
  const peerQueue = createPeerQueue({ run: catchUp, onEnd: parts.onChange, turnMs: parts.turnMs });

  /** The chain and what works on it; undefined while no genesis is known. */
  function following(): OnChain | undefined {
    const { chain } = light;
    if (!chain || onChain?.chain === chain) return onChain;
    onChain = {
      chain,
      executeHead: createExecution({ chain, ask, bodyOf, noteHead }),
      backfill: createBackfill(chain, ask, parts.onChange),
      fully: createFullCheck(chain, parts.checkFully),
      judgeOnce: createBlockDeduper(chain, judge),
    };
    return onChain;
  }

  /** A body that came here. With a proof that was known one may have come that nobody looked at. */
  function cameHere(header: Header): Body | undefined {
    const body = bodies.get(toHex(blockId(header)));
    return body && equal(bodyRoot(body), header.bodyRoot) ? body : undefined;
  }

  async function bodyOf(header: Header): Promise<Body | undefined> {
    const id = blockId(header);
    const known = cameHere(header);
    if (known) return known;
    const kept = await light.chain?.blocks.body(id);
    if (kept && equal(bodyRoot(kept), header.bodyRoot)) return kept;
    const body = await ask({ type: 'blocks', ids: [id] }, ({ blocks }) => {
      const found = blocks.find((b) => equal(b.id, id))?.body;
      const right = !found || equal(bodyRoot(found), header.bodyRoot);
      return right ? found : fault('body.root', { height: header.height });
    });
    if (body) bodies.set(toHex(id), body);
    return body;
  }

  async function catchUp(peer: string): Promise<void> {
    const answer = await transport.request(peer, { type: 'status' });
    if (answer.type !== 'status') return;
    if (!light.chain && parts.trustFirstGenesis) await light.begin(answer.genesis);
    const { chain } = light;
    if (!chain || !equal(blockId(answer.genesis), chain.headers.genesis.id)) return;
    statuses.set(peer, answer);
    parts.onChange();
    const more = answer.totalWork > chain.headers.head().header.totalWork;
    const tip = more ? await fetchHeaders(chain, peer) : undefined;
    await fetchProofs(chain, peer);
    if (tip) await dropUnproven(chain, peer, tip);
    await drawSample(chain, peer);
    await settleHead();
    caughtUp = true;
  }

  /**
   * Along the peer's branch to its end: each question starts at the last header that it gave. The
   * chain refuses headers too far ahead of the clock, which bounds how many there can be.
   * @returns the last header
   */
  async function fetchHeaders(chain: LightChain, peer: string): Promise<Header | undefined> {
    const own = await chain.headers.locator();
    let last: Header | undefined;
    for (;;) {
      const from = last && blockId(last);
      const locator = (from ? [from, ...own] : own).slice(0, LOCATOR_MAX);
      const answer = await transport.request(peer, { type: 'headers', locator, max: HEADERS_MAX });
      const newest = answer.type === 'headers' ? answer.headers.at(-1) : undefined;
      if (answer.type !== 'headers' || !newest) return last;
      const result = await chain.headers.import(answer.headers);
      if (isFault(result)) {
        transport.charge(peer, result);
        return last;
      }
      parts.onChange();
      // Whoever does not go on where it was asked to could go on for ever.
      const goesOn = !from || equal(answer.headers[0]!.prevHash, from);
      last = newest;
      if (!goesOn || answer.headers.length < HEADERS_MAX) return last;
    }
  }

  /** Until nothing is wanted that this peer has. */
  async function fetchProofs(chain: LightChain, peer: string): Promise<void> {
    for (;;) {
      const ids = chain.proofs
        .wanted()
        .slice(0, BLOCKS_MAX)
        .map(({ id }) => id);
      if (!ids.length) return;
      const answer = await transport.request(peer, { type: 'blocks', ids });
      if (answer.type !== 'blocks') return;
      let got = 0;
      for (const { id, body, proof } of answer.blocks) {
        if (!proof || !ids.some((wanted) => equal(wanted, id))) continue;
        const refused = await chain.proofs.import(id, proof, body);
        if (refused) return transport.charge(peer, refused);
        bodies.set(toHex(id), body);
        got++;
      }
      parts.onChange();
      if (!got) return;
    }
  }

  /** Proofs of older blocks, drawn at random once the head is deep enough to have older ones. */
  async function drawSample(chain: LightChain, peer: string): Promise<void> {
    if (sampled || chain.headers.head().header.height <= PROOFS_KEPT) return;
    sampled = true;
    await chain.proofs.chooseSample(Array.from({ length: SAMPLE }, parts.random));
    await fetchProofs(chain, peer);
  }

  /** Headers cost nothing to make: a peer that boasts of a branch must be able to prove it. */
  async function dropUnproven(chain: LightChain, peer: string, tip: Header): Promise<void> {
    const head = chain.headers.head();
    // It may be proven by now, with a rival of the same work that came while the peer was asked.
    if (tip.totalWork <= head.header.totalWork) return;
    const { height } = tip;
    const lacking = chain.proofs.wanted();
    await chain.headers.dropBranch(blockId(tip));
    const others = new Set(chain.proofs.wanted().map(({ id }) => toHex(id)));
    // Nobody is bound to keep old blocks: who gave the newest may know no more of the others.
    const lacksNew = (one: WantedProof) =>
      one.height > height - PROOFS_KEPT && !others.has(toHex(one.id));
    if (lacking.some(lacksNew)) transport.charge(peer, fault('wire.unproven', { height }));
  }

  /** Executes the head on its witness, until the root after it is known; once at a time. */
  function settleHead(): Promise<void> {
    settling ??= (async () => {
      const on = following();
      if (!on) return;
      const { headers, state } = on.chain;
      for (let tries = 0; tries < WITNESS_TRIES; tries++) {
        const head = headers.head();
        const isExecuted = state.rootAfter(head.id) || (await on.executeHead(head));
        if (isExecuted && (await on.fully.checkUpTo(head))) {
          await parts.onHead(head, cameHere(head.header));
          on.backfill.run();
          if (headers.head() === head) return;
          tries = 0;
        } else await new Promise((r) => setTimeout(r, WITNESS_WAIT_MS * (tries + 1)));
      }
    })().finally(() => {
      settling = undefined;
      parts.onChange();
    });
    return settling;
  }

  /** In the background: what fails is tried again at the next head or look around. */
  const settle = (): void => void settleHead().catch(() => undefined);

  /** The peer has this block: it gave it, or what only its holder can give. */
  function noteHead(peer: string, header: Header): void {
    const status = statuses.get(peer);
    if (!status || header.totalWork <= status.totalWork) return;
    const { height, totalWork } = header;
    statuses.set(peer, { ...status, head: blockId(header), height, totalWork });
  }

  /** Header, full check where possible, proof: in this order, because a head needs all. */
  async function take(block: Block): Promise<Fault | undefined> {
    const on = following();
    assert(on, 'blocks come when there is a chain');
    const headers = await on.chain.headers.import([block.header]);
    if (isFault(headers)) return headers;
    const wrong = await on.fully.check(block);
    if (wrong) return wrong;
    const id = blockId(block.header);
    bodies.set(toHex(id), block.body);
    return on.chain.proofs.import(id, block.proof, block.body);
  }

  async function judge(block: Block): Promise<Verdict> {
    const wrongBody = firstFault(new Set(), bodyFaults(block.header, block.body));
    const refused = wrongBody ?? (await take(block));
    if (!refused) settle();
    return refused ?? 'accept';
  }

  return {
    ask,
    bodyOf,
    reader,
    meet(peers) {
      const here = new Set(peers.map(({ id }) => id));
      for (const id of statuses.keys()) if (!here.has(id)) statuses.delete(id);
      everMet ||= here.size > 0;
      for (const id of here) if (!statuses.has(id)) peerQueue.add(id);
      parts.onChange();
    },
    poll() {
      for (const { id } of transport.peers()) peerQueue.add(id);
    },
    async onBlock(peer, { block }) {
      const on = following();
      if (!on || isFarBehind(block.header, on.chain.headers.head().header)) return 'ignore';
      try {
        const verdict = await on.judgeOnce(block);
        if (verdict === 'ignore' || verdict === 'accept') noteHead(peer, block.header);
        else if (verdict.fault === 'header.parent-unknown') {
          peerQueue.add(peer);
          return 'ignore';
        }
        return verdict;
      } catch (e) {
        if (AppError.from(e).code === 'INTERNAL') throw e;
        return 'ignore';
      }
    },
    async adopt(block) {
      const refused = await take(block);
      settle();
      return refused;
    },
    sync() {
      if (!transport.peers().length) return everMet ? 'offline' : 'connecting';
      return peerQueue.size ? 'syncing' : 'synced';
    },
    ready: () => caughtUp,
    agreeing() {
      const head = light.chain?.headers.head();
      return head ? [...statuses.values()].filter((s) => equal(s.head, head.id)).length : 0;
    },
  };
}
