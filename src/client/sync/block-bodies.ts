/** Bodies of blocks: received recently, kept on disk, or requested from peers; each is checked by its header's root. */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { fault } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { bodyRoot } from '../../core/tx/body.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Ask } from './ask-peers.ts';

/** Bodies of new blocks in memory, for executing the blocks and finding transactions. */
const RECEIVED_MAX = 64;

export class BlockBodies {
  readonly #chain: LightChain;
  readonly #ask: Ask;
  readonly #received = new BoundedMap<string, Body>(RECEIVED_MAX);

  constructor(chain: LightChain, ask: Ask) {
    this.#chain = chain;
    this.#ask = ask;
  }

  /** Keeps a body that came with a proof or an announcement. */
  noteReceived(id: Uint8Array, body: Body): void {
    this.#received.set(toHex(id), body);
  }

  /** The body in memory. A proof can be accepted without its body, so that the root is checked here. */
  received(header: Header): Body | undefined {
    const body = this.#received.get(toHex(blockId(header)));
    return body && isBodyOf(body, header) ? body : undefined;
  }

  /** The body of a block; undefined when it is not here and no peer sends it. */
  async of(header: Header): Promise<Body | undefined> {
    const received = this.received(header);
    if (received) return received;

    const id = blockId(header);
    const kept = await this.#chain.blocks.body(id);
    if (kept && isBodyOf(kept, header)) return kept;

    const body = await this.#ask({ type: 'blocks', ids: [id] }, ({ blocks }) => {
      const found = blocks.find((block) => equal(block.id, id))?.body;
      const isWrong = found && !isBodyOf(found, header);
      return isWrong ? fault('body.root', { height: header.height }) : found;
    });
    if (body) this.noteReceived(id, body);
    return body;
  }
}

const isBodyOf = (body: Body, header: Header): boolean => equal(bodyRoot(body), header.bodyRoot);
