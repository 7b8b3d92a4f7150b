/** The heads that connected peers claim, and whether this client has caught up with any of them. */
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import type { Status } from '../../core/messages.ts';
import { equal } from '../../lib/bytes.ts';

export class PeerHeads {
  /** Status of each connected peer; the transport bounds the number of peers. */
  readonly #statuses = new Map<string, Status>();
  /** When each of them spoke last, by the number of words before it. */
  readonly #spoke = new Map<string, number>();
  #words = 0;
  /** The head that was asked about last, and how many words had been said when it came. */
  #head: { readonly id: Uint8Array; readonly words: number } | undefined;
  #everConnected = false;
  #everCaughtUp = false;
  #isCaughtUp = false;

  /** Whether any peer was connected since the start. */
  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** Whether this client has caught up with any peer since the start: a block found now builds on the others' chain. */
  get everCaughtUp(): boolean {
    return this.#everCaughtUp;
  }

  /** The same since the last time without a peer, as after a night in sleep. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  noteCaughtUp(): void {
    this.#everCaughtUp = true;
    this.#isCaughtUp = true;
  }

  /** The peers that are connected now. @returns those whose status is not known yet */
  noteConnected(peers: readonly string[]): string[] {
    const connected = new Set(peers);
    for (const peer of this.#statuses.keys()) {
      if (connected.has(peer)) continue;
      this.#statuses.delete(peer);
      this.#spoke.delete(peer);
    }
    this.#everConnected ||= connected.size > 0;
    this.#isCaughtUp &&= connected.size > 0;
    return peers.filter((peer) => !this.#statuses.has(peer));
  }

  noteStatus(peer: string, status: Status): void {
    this.#statuses.set(peer, status);
    this.#spoke.set(peer, ++this.#words);
  }

  /** Notes that the peer has this block: it sent the block, or something that only an owner of the block can send. */
  noteBlock(peer: string, header: Header): void {
    const status = this.#statuses.get(peer);
    if (!status || header.totalWork <= status.totalWork) return;
    this.#statuses.set(peer, {
      ...status,
      head: blockId(header),
      height: header.height,
      totalWork: header.totalWork,
    });
  }

  /** The height that a peer claims; 0 before its status is known. */
  heightOf(peer: string): number {
    return this.#statuses.get(peer)?.height ?? 0;
  }

  /**
   * Number of peers that had a word about this head: it is theirs, or they told of another one since it came. Whoever
   * was not heard since then says nothing against it.
   */
  askedAt(id: Uint8Array): number {
    if (!this.#head || !equal(this.#head.id, id)) this.#head = { id, words: this.#words };
    const { words } = this.#head;
    const spokeSince = (peer: string): boolean => (this.#spoke.get(peer) ?? 0) > words;
    return [...this.#statuses].filter(([peer, { head }]) => equal(head, id) || spokeSince(peer))
      .length;
  }

  /** Number of peers whose head is this block. */
  countAt(id: Uint8Array): number {
    return [...this.#statuses.values()].filter(({ head }) => equal(head, id)).length;
  }
}
