/**
 * The full check, where the model is loaded: a block's winning unit, run again, gives the same transcript. An announced
 * block is checked before it is imported. A block that this client requested is checked once it is executed, before
 * anything builds on it. A block whose model is not here has its turn when that has come.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { blames, fault, isFault, type Fault } from '../../core/faults.ts';
import type { Header, Proof } from '../../core/formats.ts';
import { blockId, claimOf, type ChainPoint, type Claim } from '../../core/header/header.ts';
import { modelAt, modelsFrom } from '../../core/header/tables.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import type { Transport } from '../../net/transport.ts';
import type { ChainNetwork } from '../models/networks.ts';

/** Blocks below a new head that are replayed: each costs a unit, and the miner waits. */
const REPLAYED_MAX = 16;
/** Blocks below the head that are replayed because this device built on them unchecked: ten minutes have 60. */
export const BUILT_ON_MAX = 512;
/** More than are ever looked at below one head. */
const CHECKED_MAX = 2 * BUILT_ON_MAX;

/** Runs units again. */
export interface UnitReplay {
  /** Whether units of this model can be run now. */
  canReplay(modelId: Uint8Array): boolean;
  /** @returns every fault that the replay shows; undefined where the worker fails */
  replay(claim: Claim, proof: Proof): Promise<readonly Fault[] | undefined>;
}

export interface FullCheckDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly miner: UnitReplay;
  readonly transport: Pick<Transport, 'charge'>;
  /** Height of the lowest block that this device built on unchecked, and owes a check since. */
  readonly builtFrom: () => number | undefined;
  /** A block was false on which this device has built, and its branch was left. */
  readonly onFalse: (block: Header) => void;
}

/** A header with its proof. */
export interface ProvenHeader {
  readonly header: Header;
  readonly proof: Proof;
}

/** How the blocks up to a head were checked. */
export interface Standing {
  /** Id of the head. */
  readonly head: Uint8Array;
  /** Height of the lowest block that is to be checked and could not be; undefined: all were. */
  readonly owedFrom: number | undefined;
}

type Verdict = Fault | 'passed' | 'unchecked';

export class FullCheck {
  readonly #deps: FullCheckDeps;
  /** Ids in hex. */
  readonly #checked = new BoundedMap<string, true>(CHECKED_MAX);
  /** Who announced a block that could not be checked, by its id in hex. */
  readonly #givers = new BoundedMap<string, string>(CHECKED_MAX);
  #standing: Standing | undefined;

  constructor(deps: FullCheckDeps) {
    this.#deps = deps;
  }

  /** Of the head that was looked at last; undefined before the first. */
  get standing(): Standing | undefined {
    return this.#standing;
  }

  /** The light check, of a block whose turn has not come. */
  light({ header, proof }: ProvenHeader): Fault | undefined {
    const { network, chain } = this.#deps;
    const { params } = chain;
    const manifest = network.models.get(modelAt(params, header.model, header.height) ?? '');
    const verifyProof = network.verifyProof ?? verifyLight;
    return manifest ? verifyProof(params, header, proof, manifest) : fault('header.model');
  }

  /**
   * Checks a block, if its model is here. It leaves the chain if its fault blames the block itself.
   * @param giver the peer that announced it
   */
  async check(block: ProvenHeader, giver?: string): Promise<Fault | undefined> {
    const { header } = block;
    const verdict = await this.#replay(block);
    const id = blockId(header);
    if (isFault(verdict)) {
      if (blames(verdict) === 'block') await this.#deps.chain.headers.refuse(id, header.height);
      return verdict;
    }
    if (verdict === 'passed') this.#checked.set(toHex(id), true);
    else if (giver !== undefined) this.#givers.set(toHex(id), giver);
    return undefined;
  }

  /** Checks the blocks up to a new head. @returns false when one is forged and has left the chain */
  async checkUpTo(head: ChainPoint): Promise<boolean> {
    let owedFrom = this.#owedBelow(head);
    for (const header of await this.#uncheckedUpTo(head)) {
      const verdict = await this.#checkLate(header);
      if (isFault(verdict)) return false;
      if (verdict === 'unchecked') owedFrom ??= header.height;
    }
    this.#standing = { head: head.id, owedFrom };
    return true;
  }

  /** What lies too deep to be looked at stays owed until every model is here. */
  #owedBelow({ header: { height } }: ChainPoint): number | undefined {
    const { chain, miner, builtFrom } = this.#deps;
    const from = builtFrom();
    if (from === undefined || from > height - BUILT_ON_MAX) return undefined;
    const mined = modelsFrom(chain.params, height + 1);
    return mined.every((id) => miner.canReplay(fromHex(id)!)) ? undefined : from;
  }

  /** Checks a block of the chain. Whoever announced it is charged as if it had been checked then. */
  async #checkLate(header: Header): Promise<Verdict> {
    const { chain, miner, transport, builtFrom, onFalse } = this.#deps;
    if (!miner.canReplay(claimOf(chain.params, header).modelId)) return 'unchecked';
    const id = blockId(header);
    const proof = await chain.proofs.of(id);
    // What nobody keeps any more nobody can check.
    const wrong = proof && (await this.check({ header, proof }));
    const giver = this.#givers.get(toHex(id));
    if (wrong && giver !== undefined) transport.charge(giver, wrong);
    if (wrong && header.height >= (builtFrom() ?? Infinity)) onFalse(header);
    return wrong ?? (!proof || this.#checked.has(toHex(id)) ? 'passed' : 'unchecked');
  }

  /** Blocks that are to be checked and were not yet, lowest first: the newest, and what this device built on. */
  async #uncheckedUpTo({ header: head }: ChainPoint): Promise<Header[]> {
    const { chain, builtFrom } = this.#deps;
    const newest = head.height - REPLAYED_MAX + 1;
    const built = Math.max(builtFrom() ?? newest, head.height - BUILT_ON_MAX + 1);
    const lowest = Math.max(1, Math.min(newest, built));
    const unchecked: Header[] = [];
    let at: Header | undefined = head;
    while (at && at.height >= lowest) {
      if (!this.#checked.has(toHex(blockId(at)))) unchecked.push(at);
      at = await chain.headers.at(at.height - 1);
    }
    return unchecked.reverse();
  }

  /** The cheap check comes first: a replay costs a whole unit, a forged header nothing. */
  async #replay({ header, proof }: ProvenHeader): Promise<Verdict> {
    const { network, chain, miner } = this.#deps;
    const { params } = chain;
    const manifest = network.models.get(modelAt(params, header.model, header.height) ?? '');
    if (!manifest) return 'unchecked';
    const claim = claimOf(params, header);
    if (!miner.canReplay(claim.modelId)) return 'unchecked';
    const verifyProof = network.verifyProof ?? verifyLight;
    const wrong = verifyProof(params, header, proof, manifest);
    if (wrong) return wrong;
    const faults = await miner.replay(claim, proof);
    return faults ? (params.rules.first(faults) ?? 'passed') : 'unchecked';
  }
}
