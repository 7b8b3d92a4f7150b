/**
 * Fetches the headers of peers' branches. Of one branch one download goes on at a time: a peer whose headers go on
 * from where a download is takes it over, so that a slow peer is not waited for and nothing is fetched twice. Headers
 * are free to make, so some of each piece are proven before the next is fetched.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { isChargedWhenAsked, isFault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { knownHeaders } from '../../core/header/tables.ts';
import { HEADERS_MAX, LOCATOR_MAX } from '../../core/messages.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Transport } from '../../net/transport.ts';

export interface HeaderDownloadsDeps {
  readonly chain: LightChain;
  readonly transport: Transport;
  /** Whether the peer's branch up to this block, of which more is to come, proves what it must by now. */
  readonly isProbed: (peer: string, tip: Header) => Promise<boolean>;
  /** Called after each answer. */
  readonly onProgress: () => void;
}

/** What came of a peer's branch, with its last header where any came. */
export type Fetched =
  /** `cut`: it goes on by rules that this program does not know. */
  | { readonly end: 'whole' | 'cut'; readonly tip: Header | undefined }
  /** It did not prove what it had to between two pieces. */
  | { readonly end: 'unproven'; readonly tip: Header }
  /** Another peer goes on with it. */
  | { readonly end: 'taken-over' };

interface Piece {
  readonly headers: readonly Header[];
  /** `cut`: more came, of newer rules. */
  readonly end: 'whole' | 'cut';
}

interface Download {
  /** The peer that is asked. */
  peer: string;
  /** Ids in hex of the last header of each answer. */
  readonly ends: Set<string>;
}

export class HeaderDownloads {
  readonly #deps: HeaderDownloadsDeps;
  readonly #running = new Set<Download>();

  constructor(deps: HeaderDownloadsDeps) {
    this.#deps = deps;
  }

  /**
   * Fetches the peer's branch to its end: each request starts at the last header of the answer before. The chain
   * refuses headers too far ahead of the clock, which bounds how many there can be.
   * @param answersMax how many answers of the peer are taken in
   * @throws the transport's errors
   */
  async fetch(peer: string, answersMax = Infinity): Promise<Fetched> {
    const own = await this.#deps.chain.headers.locator();
    let download: Download | undefined;
    let tip: Header | undefined;
    try {
      for (let answers = 1; ; answers++) {
        const { headers, end } = await this.#ask(peer, tip ? [blockId(tip), ...own] : own);
        if (download && download.peer !== peer) return { end: 'taken-over' };
        const newest = await this.#takeIn(peer, headers);
        if (!newest) return { end, tip };

        download ??= this.#join(peer, headers[0]!);
        download.ends.add(toHex(blockId(newest)));
        const isLast = isEnd(headers, tip) || answers >= answersMax;
        tip = newest;
        if (isLast) return { end, tip };
        if (!(await this.#deps.isProbed(peer, tip))) return { end: 'unproven', tip };
      }
    } finally {
      if (download?.peer === peer) this.#running.delete(download);
    }
  }

  /** What a newer program adds is no business of this one. */
  async #ask(peer: string, ids: readonly Uint8Array[]): Promise<Piece> {
    const { chain, transport } = this.#deps;
    const locator = ids.slice(0, LOCATOR_MAX);
    const request = { type: 'headers', locator, max: HEADERS_MAX } as const;
    try {
      const answer = await transport.request(peer, request);
      if (answer.type !== 'headers') return { headers: [], end: 'whole' };
      const headers = knownHeaders(chain.params, answer.headers);
      return { headers, end: headers.length < answer.headers.length ? 'cut' : 'whole' };
    } catch (e) {
      if (AppError.from(e).code !== 'NET_NEWER') throw e;
      return { headers: [], end: 'cut' };
    }
  }

  /** @returns the newest; undefined where there are none, or they fail */
  async #takeIn(peer: string, headers: readonly Header[]): Promise<Header | undefined> {
    const { chain, transport, onProgress } = this.#deps;
    const newest = headers.at(-1);
    if (!newest) return undefined;
    const imported = await chain.headers.import(headers);
    if (isFault(imported)) {
      if (isChargedWhenAsked(imported)) transport.charge(peer, imported);
      return undefined;
    }
    onProgress();
    return newest;
  }

  /** The download that these headers go on with, from now on of this peer, or a new one. */
  #join(peer: string, { prevHash }: Header): Download {
    const found = [...this.#running].find(({ ends }) => ends.has(toHex(prevHash)));
    const download = found ?? { peer, ends: new Set() };
    download.peer = peer;
    this.#running.add(download);
    return download;
  }
}

/**
 * Whether no more is to come of a peer whose answer this is. One whose answers do not go on from the header that they
 * were asked from could send headers for ever.
 */
const isEnd = (headers: readonly Header[], from: Header | undefined): boolean =>
  headers.length < HEADERS_MAX ||
  (from !== undefined && !equal(headers[0]!.prevHash, blockId(from)));
