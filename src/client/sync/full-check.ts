/**
 * The full check, where the model is loaded: a block's winning unit, run again, gives the same transcript. An announced
 * block is checked before it is imported. A block that this client requested is checked once it is executed, before
 * anything builds on it.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { blames, fault, type Fault } from '../../core/faults.ts';
import type { Header, Proof } from '../../core/formats.ts';
import { blockId, claimOf, type ChainPoint, type Claim } from '../../core/header/header.ts';
import { modelAt } from '../../core/header/tables.ts';
import type { Block } from '../../core/messages.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import type { ChainNetwork } from '../models/networks.ts';

/** Blocks below a new head that are replayed: each costs a unit, and the miner waits. */
const REPLAYED_MAX = 16;
const CHECKED_MAX = 1024;

/** Runs units again. */
export interface UnitReplay {
  /** Whether units of this model can be run now. */
  canReplay(modelId: Uint8Array): boolean;
  /** @returns every fault that the replay shows; no fault also when the worker fails */
  replay(claim: Claim, proof: Proof): Promise<readonly Fault[]>;
}

export interface FullCheckDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly miner: UnitReplay;
}

export class FullCheck {
  readonly #deps: FullCheckDeps;
  /** Ids in hex, also of blocks that could not be checked: without the model they are believed. */
  readonly #checked = new BoundedMap<string, true>(CHECKED_MAX);

  constructor(deps: FullCheckDeps) {
    this.#deps = deps;
  }

  /** The light check, of a block whose turn has not come. */
  light({ header, proof }: Block): Fault | undefined {
    const { network, chain } = this.#deps;
    const { params } = chain;
    const manifest = network.models.get(modelAt(params, header.model, header.height) ?? '');
    const verifyProof = network.verifyProof ?? verifyLight;
    return manifest ? verifyProof(params, header, proof, manifest) : fault('header.model');
  }

  /** Checks a block. It leaves the chain if its fault blames the block itself. */
  async check(block: Block): Promise<Fault | undefined> {
    const { header } = block;
    const wrong = await this.#replay(block);
    const id = blockId(header);
    if (!wrong) this.#checked.set(toHex(id), true);
    else if (blames(wrong) === 'block') await this.#deps.chain.headers.refuse(id, header.height);
    return wrong;
  }

  /** Checks the blocks up to a new head. @returns false when one is forged and has left the chain */
  async checkUpTo(head: ChainPoint): Promise<boolean> {
    const { blocks, proofs } = this.#deps.chain;
    for (const header of await this.#uncheckedUpTo(head)) {
      const id = blockId(header);
      const [body, proof] = [await blocks.body(id), await proofs.of(id)];
      if (body && proof && (await this.check({ header, body, proof }))) return false;
      this.#checked.set(toHex(id), true);
    }
    return true;
  }

  /** The newest blocks that were not checked yet, lowest first. */
  async #uncheckedUpTo({ header: head }: ChainPoint): Promise<Header[]> {
    const unchecked: Header[] = [];
    let at: Header | undefined = head;
    while (
      at?.height &&
      unchecked.length < REPLAYED_MAX &&
      !this.#checked.has(toHex(blockId(at)))
    ) {
      unchecked.push(at);
      at = await this.#deps.chain.headers.at(at.height - 1);
    }
    return unchecked.reverse();
  }

  /** The cheap check comes first: a replay costs a whole unit, a forged header nothing. */
  async #replay({ header, proof }: Block): Promise<Fault | undefined> {
    const { network, chain, miner } = this.#deps;
    const { params } = chain;
    const manifest = network.models.get(modelAt(params, header.model, header.height) ?? '');
    if (!manifest) return undefined;
    const claim = claimOf(params, header);
    if (!miner.canReplay(claim.modelId)) return undefined;
    const verifyProof = network.verifyProof ?? verifyLight;
    const wrong = verifyProof(params, header, proof, manifest);
    return wrong ?? params.rules.first(await miner.replay(claim, proof));
  }
}
