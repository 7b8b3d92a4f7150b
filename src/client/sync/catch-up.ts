/**
 * Catching up with one peer: fetches its status, the headers of its branch, the proofs that these need, and once
 * a random sample of older proofs; then the head is settled.
 */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import { fault, isFault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { BLOCKS_MAX, HEADERS_MAX, LOCATOR_MAX } from '../../core/messages.ts';
import { PROOFS_KEPT } from '../../core/params.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Emitter } from '../../lib/events.ts';
import type { Transport } from '../../net/transport.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { ChainReader } from './chain-reader.ts';
import type { HeadSettler } from './settle-head.ts';

/** Older blocks whose proofs are drawn at random and checked. */
const SAMPLE = 64;

export interface CatchUpDeps {
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly reader: ChainReader;
  readonly settler: HeadSettler;
  readonly events: Emitter<PeerEvents>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class CatchUp {
  readonly #deps: CatchUpDeps;
  #isSampled = false;

  constructor(deps: CatchUpDeps) {
    this.#deps = deps;
  }

  /** Does nothing for a peer with another genesis. @throws the transport's errors */
  async with(peer: string): Promise<void> {
    const { chain, transport, reader, settler, events } = this.#deps;
    const status = await transport.request(peer, { type: 'status' });
    if (status.type !== 'status') return;
    if (!equal(blockId(status.genesis), chain.headers.genesis.id)) return;
    reader.heads.noteStatus(peer, status);
    events.emit('statusChanged');

    const hasMoreWork = status.totalWork > chain.headers.head().header.totalWork;
    const tip = hasMoreWork ? await this.#fetchHeaders(peer) : undefined;
    await this.#fetchProofs(peer);
    if (tip) await this.#dropUnproven(peer, tip);
    await this.#drawSample(peer);

    await settler.settle();
    reader.heads.noteCaughtUp();
  }

  /**
   * Fetches the peer's branch to its end: each request starts at the last header of the answer before. The chain
   * refuses headers too far ahead of the clock, which bounds how many there can be.
   * @returns the last header
   */
  async #fetchHeaders(peer: string): Promise<Header | undefined> {
    const { chain, transport, events } = this.#deps;
    const own = await chain.headers.locator();
    let last: Header | undefined;
    for (;;) {
      const from = last && blockId(last);
      const locator = (from ? [from, ...own] : own).slice(0, LOCATOR_MAX);
      const answer = await transport.request(peer, { type: 'headers', locator, max: HEADERS_MAX });
      const newest = answer.type === 'headers' ? answer.headers.at(-1) : undefined;
      if (answer.type !== 'headers' || !newest) return last;

      const imported = await chain.headers.import(answer.headers);
      if (isFault(imported)) {
        transport.charge(peer, imported);
        return last;
      }
      events.emit('statusChanged');

      // A peer whose answer does not continue from the requested header could send headers for ever.
      const goesOn = !from || equal(answer.headers[0]!.prevHash, from);
      last = newest;
      if (!goesOn || answer.headers.length < HEADERS_MAX) return last;
    }
  }

  /** Fetches proofs until this peer has none of those that are wanted. */
  async #fetchProofs(peer: string): Promise<void> {
    const { chain, transport, events } = this.#deps;
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
        this.#deps.reader.bodies.noteReceived(id, body);
        got++;
      }
      events.emit('statusChanged');
      if (!got) return;
    }
  }

  /** Headers cost nothing to make: a peer that offers a branch with more work must prove it. */
  async #dropUnproven(peer: string, tip: Header): Promise<void> {
    const { chain, transport } = this.#deps;
    // The branch may be proven by now, or a rival with as much work may have come while the peer was asked.
    if (tip.totalWork <= chain.headers.head().header.totalWork) return;

    const unproven = chain.proofs.wanted();
    await chain.headers.dropBranch(blockId(tip));
    const wantedByOthers = new Set(chain.proofs.wanted().map(({ id }) => toHex(id)));

    // No peer has to keep old blocks: one that sent the newest headers may have only the newest proofs.
    const { height } = tip;
    const isOwed = (one: WantedProof): boolean =>
      one.height > height - PROOFS_KEPT && !wantedByOthers.has(toHex(one.id));
    if (unproven.some(isOwed)) transport.charge(peer, fault('wire.unproven', { height }));
  }

  /** Proofs of older blocks, drawn at random once the head is deep enough to have older ones. */
  async #drawSample(peer: string): Promise<void> {
    const { chain, random } = this.#deps;
    if (this.#isSampled || chain.headers.head().header.height <= PROOFS_KEPT) return;
    this.#isSampled = true;
    await chain.proofs.chooseSample(Array.from({ length: SAMPLE }, random));
    await this.#fetchProofs(peer);
  }
}
