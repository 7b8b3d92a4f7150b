/**
 * Branches of headers that keep every rule of headers, made without a chain: honest ones, and invented ones whose
 * blocks were never mined. Bodies are empty, and the states that headers name are nobody's.
 */
import { fault, type Fault } from '../../src/core/faults.ts';
import type { Header } from '../../src/core/formats.ts';
import {
  blockId,
  extendPoint,
  templateCore,
  type ChainPoint,
} from '../../src/core/header/header.ts';
import type { BlockParts } from '../../src/core/messages.ts';
import type { Params } from '../../src/core/params.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { PARAMS, person, PROOF } from './make-blocks.ts';

const filled = (b: number) => new Uint8Array(32).fill(b);
const miner = person(1).address;
const emptyBody = bodyRoot(bodyOf());

export interface MakeOptions {
  readonly params?: Params;
  /** Makes branches differ. */
  readonly salt?: number;
  /** The highest version that their makers know. */
  readonly knows?: number;
  /** Root of the state after the parent, where somebody may know it. */
  readonly stateRoot?: Uint8Array;
  /** ms from one block to the next. */
  readonly afterMs?: number;
}

/** The headers of `count` blocks above a point, lowest first, and the point that they end at. */
export function makeHeaders(
  parent: ChainPoint,
  count: number,
  { params = PARAMS, salt = 0, knows, stateRoot, afterMs = params.blockTimeMs }: MakeOptions = {},
): { headers: Header[]; tip: ChainPoint } {
  const headers: Header[] = [];
  let tip = parent;
  for (let i = 0; i < count; i++) {
    const core = templateCore(params, tip, {
      timeMs: tip.header.time + afterMs,
      miner,
      model: 0,
      bodyRoot: emptyBody,
      stateRoot: (i === 0 ? stateRoot : undefined) ?? filled(salt),
      nonce: BigInt(salt),
    });
    const header = { ...core, knows: knows ?? core.knows, proofDigest: filled(9) };
    headers.push(header);
    tip = extendPoint(params, tip, header);
  }
  return { headers, tip };
}

/** A whole branch from height 1 on, and which of its blocks were mined: the others have no proof. */
export class MadeBranch {
  readonly headers: readonly Header[];
  readonly ids: readonly Uint8Array[];
  readonly #heights: ReadonlyMap<string, number>;
  readonly isMined: (height: number) => boolean;

  constructor(headers: readonly Header[], isMined: (height: number) => boolean = () => true) {
    this.headers = headers;
    this.ids = headers.map(blockId);
    this.#heights = new Map(this.ids.map((id, i) => [toHex(id), i + 1]));
    this.isMined = isMined;
  }

  get tip(): Header {
    return this.headers.at(-1)!;
  }

  heightOf(id: Uint8Array): number | undefined {
    return this.#heights.get(toHex(id));
  }

  /** As a peer answers: after the first id of the locator that is on the branch. */
  after(locator: readonly Uint8Array[], max: number): Header[] {
    const from = locator.map((id) => this.heightOf(id)).find((height) => height !== undefined) ?? 0;
    return this.headers.slice(from, from + max);
  }

  /** Proofs of those that were mined. */
  parts(ids: readonly Uint8Array[]): BlockParts[] {
    return ids
      .filter((id) => {
        const height = this.heightOf(id);
        return height !== undefined && this.isMined(height);
      })
      .map((id) => ({ id, body: bodyOf(), proof: PROOF }));
  }

  /** The light check, which knows what was never mined. */
  check = (header: Header): Fault | undefined => {
    const height = this.heightOf(blockId(header));
    return height !== undefined && !this.isMined(height) ? fault('proof.target') : undefined;
  };
}
