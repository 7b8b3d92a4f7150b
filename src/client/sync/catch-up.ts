/**
 * Catching up with one peer: fetches its status, the headers of its branch and the proofs that these need; a branch
 * that is not proven is dropped, and its teller's address waits. Then the head is settled.
 */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import { fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import type { Status } from '../../core/messages.ts';
import { PROOFS_KEPT } from '../../core/params.ts';
import { equal } from '../../lib/bytes.ts';
import type { Emitter } from '../../lib/events.ts';
import type { PeerInfo, Transport } from '../../net/transport.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { ChainReader } from './chain-reader.ts';
import type { FailedHeads } from './failed-heads.ts';
import { HeaderDownloads, type Fetched } from './header-downloads.ts';
import { inOrder } from './peer-order.ts';
import { ProofFetcher, type Wanted } from './proof-fetcher.ts';
import type { HeadSettler } from './settle-head.ts';

/** Other peers that are asked for proofs that a teller does not give: they can be slow, or as bad. */
const OTHERS_MAX = 4;
const NOTHING: Fetched = { end: 'whole', tip: undefined };

export interface CatchUpDeps {
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly reader: ChainReader;
  readonly settler: HeadSettler;
  readonly events: Emitter<PeerEvents>;
  readonly failed: FailedHeads;
  /** ms since 1970. */
  readonly nowMs: () => number;
}

export class CatchUp {
  readonly #deps: CatchUpDeps;
  readonly #headers: HeaderDownloads;
  readonly #proofs: ProofFetcher;

  constructor(deps: CatchUpDeps) {
    const { chain, transport, reader, events, nowMs } = deps;
    const onProgress = (): void => events.emit('statusChanged');
    const { bodies } = reader;
    this.#deps = deps;
    this.#proofs = new ProofFetcher({ chain, transport, bodies, onProgress, nowMs });
    this.#headers = new HeaderDownloads({
      chain,
      transport,
      isProbed: (peer, tip) => this.#isProbed(peer, tip),
      onProgress,
    });
  }

  /**
   * Does nothing for a peer with another genesis, or that has left. @returns `again` where another peer goes on with
   * the same branch
   * @throws the transport's errors
   */
  async with(peer: string): Promise<'again' | undefined> {
    const { chain, transport, reader, settler, events } = this.#deps;
    const teller = transport.peers().find(({ id }) => id === peer);
    if (!teller) return undefined;
    const status = await transport.request(peer, { type: 'status' });
    if (status.type !== 'status') return undefined;
    if (!equal(blockId(status.genesis), chain.headers.genesis.id)) return undefined;
    reader.heads.noteStatus(peer, status);
    events.emit('statusChanged');

    const followed = await this.#follow(teller, status);
    if (followed === 'taken-over') return 'again';
    await settler.settle();
    // Of a branch that goes on by newer rules there is no more to catch up with.
    if (followed === 'cut' || !this.#isBehind(status)) reader.heads.noteCaughtUp();
    return undefined;
  }

  /** Whether a head is claimed that this client would follow. Near equals may stay apart until the next block. */
  #isBehind({ head, totalWork }: Pick<Status, 'head' | 'totalWork'>): boolean {
    const { headers } = this.#deps.chain;
    return totalWork > headers.head().header.totalWork && headers.claimsHead(head);
  }

  /** Tries the teller's head; what else is wanted is asked of it where it has none to try. */
  async #follow(teller: PeerInfo, status: Status): Promise<Fetched['end']> {
    const { chain, failed } = this.#deps;
    // The next blocks of a chain that is followed are proven one by one: for them nobody waits.
    const isWaiting = failed.isWaiting(teller);
    const isNear = status.height <= chain.headers.head().header.height + PROOFS_KEPT;
    const mayTry = this.#isBehind(status) && (isNear || !isWaiting);
    const answersMax = isWaiting ? 1 : Infinity;
    const fetched: Fetched = mayTry ? await this.#headers.fetch(teller.id, answersMax) : NOTHING;
    if (fetched.end === 'taken-over') return fetched.end;

    const { end, tip } = fetched;
    // Where it told nothing new it may be that a liar told its headers before, with more on them that nobody can prove.
    const [toldId, toldHeight] = tip ? [blockId(tip), tip.height] : [status.head, status.height];
    if (mayTry) await chain.headers.branchAt(toldId, toldHeight);
    // A branch that had to make room for others has no depth, and is nobody's fault.
    const depth = tip && chain.headers.depthOf(tip);
    const isDeep = depth !== undefined && depth > PROOFS_KEPT;
    if (end === 'unproven' || (isDeep && isWaiting)) {
      await this.#refuse(teller, tip!, isDeep);
      return 'unproven';
    }
    const proven = this.#prove(teller, depth === undefined ? undefined : tip, isDeep);
    await proven.catch((e: unknown) => {
      // It gave a deep head and then no answer. A seed may be busy and a line break, so that nobody waits for it.
      if (isDeep) failed.defer(teller);
      throw e;
    });
    return end;
  }

  /** Headers cost nothing to make: who offers a branch with more work must prove it, or somebody else must. */
  async #prove(teller: PeerInfo, tip: Header | undefined, isDeep: boolean): Promise<void> {
    const { chain, transport } = this.#deps;
    await chain.proofs.audit();
    if (!tip) return void (await this.#proofs.from(teller.id, () => chain.proofs.wanted()));

    const lacking = await this.#gather(teller.id, () => chain.proofs.wanted(blockId(tip)));
    // The branch may be proven by now, or a rival with as much work may have come while peers were asked.
    const { totalWork } = tip;
    if (!this.#isBehind({ head: blockId(tip), totalWork })) return;

    if (!(await this.#refuse(teller, tip, isDeep))) return;
    // No peer has to keep old blocks: one that sent the newest headers may have only the newest proofs.
    const { height } = tip;
    const isOwed = (one: number) => one > height - PROOFS_KEPT && one <= height;
    if (lacking.some((one) => isOwed(one.height)))
      transport.charge(teller.id, fault('wire.unproven', { height }));
  }

  /**
   * Of a deep branch nobody owes all proofs, so that its teller cannot be charged: its address waits instead, unless
   * others put headers on the branch meanwhile, which anybody can do to anybody. @returns whether the branch was its own
   */
  async #refuse(teller: PeerInfo, tip: Header, isDeep: boolean): Promise<boolean> {
    const { chain, failed } = this.#deps;
    const isDropped = await chain.headers.dropBranch(blockId(tip));
    if (isDeep && !failed.isWaiting(teller)) {
      if (isDropped) failed.note(teller);
      else failed.defer(teller);
    }
    return isDropped;
  }

  /** Asks a peer, then some others for what it does not give. @returns what it did not give */
  async #gather(peer: string, wanted: Wanted): Promise<WantedProof[]> {
    const { transport, failed } = this.#deps;
    const lacking = await this.#proofs.from(peer, wanted);
    const others = inOrder(transport.peers(), failed).filter(({ id }) => id !== peer);
    const ids = others.slice(0, OTHERS_MAX).map(({ id }) => id);
    await this.#proofs.fromOthers(ids, wanted);
    return lacking;
  }

  /** Whether the blocks were given that are asked for between two pieces of a long branch. */
  async #isProbed(peer: string, tip: Header): Promise<boolean> {
    const { proofs } = this.#deps.chain;
    const wanted = () => proofs.probe(blockId(tip));
    if ((await wanted()).length) await this.#gather(peer, wanted);
    return !(await wanted()).length;
  }
}
