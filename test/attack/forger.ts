/**
 * A miner that may lie in one place: units run on the real segments and kernels, but the attacker may change
 * each operand, transcript and winner first. Its blocks are always consistent with themselves, as those of a
 * careful cheat would be.
 */
import { Tensor } from 'onnxruntime-web/webgpu';
import type { Header, HeaderCore, Proof } from '../../src/core/formats.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { targetOf } from '../../src/core/header/target.ts';
import { carriesAt, unitLinears, unitShape, type UnitLinear } from '../../src/core/manifest.ts';
import type { Params } from '../../src/core/params.ts';
import { proofDigest } from '../../src/core/pow/proof.ts';
import { carriesHash, layerSeed, seedOf, stateHash, tokensOf } from '../../src/core/pow/seed.ts';
import { ticketLimits } from '../../src/core/pow/transcript.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import {
  createKernel,
  type Kernel,
  type PlacedWeights,
} from '../../src/miner/cpu/kernel/kernel.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { firstInputs } from '../../src/miner/engine/inputs.ts';
import { createProof } from '../../src/miner/engine/prove.ts';
import {
  createSegmentChain,
  type Feeds,
  type SegmentChain,
} from '../../src/miner/engine/segments.ts';
import { carryHash } from '../../src/miner/plain-step.ts';

export interface Win {
  /** From 1. */
  readonly linear: number;
  readonly tile: number;
}

export interface Unit {
  /** x_1..x_L, and what they are made of. */
  readonly x: Uint8Array[];
  readonly a: Uint8Array[];
  readonly y: Uint8Array[];
  /** t_1..t_L. */
  readonly t: Uint8Array[];
  /** σ_1..σ_L. */
  readonly sigmas: Uint8Array[];
  /** A_1..A_L. */
  readonly operands: Int8Array[];
  /** All winning tiles in order. */
  readonly wins: Win[];
}

/** Where an attacker may lie in a pass; `honest` runs the model. */
export interface Lies {
  /** A of a linear. */
  readonly operandOf?: OperandOf;
  /** What the carries alive at a linear are said to hash to. */
  readonly carriesOf?: (linear: number, honest: () => Uint8Array) => Uint8Array;
}

/** Gives A of a linear; `honest` runs the model for it. */
export type OperandOf = (linear: number, honest: () => Promise<Int8Array>) => Promise<Int8Array>;

export interface Won {
  readonly header: Header;
  readonly proof: Proof;
}

interface Operand {
  readonly operand: Int8Array;
}

/** Units tried before a forger gives up: one honest unit in 16 wins on the easiest target. */
const UNITS_MAX = 20_000;
const honestly: OperandOf = (_, honest) => honest();

export async function createForger(model: ModelPackage): Promise<Forger> {
  const kernel = await createKernel(unitLinears(model.manifest));
  return new Forger(model, kernel, await createSegmentChain(model.segments, { provider: 'wasm' }));
}

export class Forger {
  readonly model: ModelPackage;
  /** Linears 1..L of the unit that is mined. */
  readonly linears: readonly UnitLinear[];
  readonly #kernel: Kernel;
  readonly #placed = new Map<Int8Array, PlacedWeights>();
  readonly #chain: SegmentChain;
  /** Of the chain that it mines: targets follow from its genesis. */
  params: Params | undefined;

  constructor(model: ModelPackage, kernel: Kernel, chain: SegmentChain) {
    this.model = model;
    this.linears = unitLinears(model.manifest);
    this.#kernel = kernel;
    this.#chain = chain;
  }

  /** The same machine with other weights behind the same manifest. */
  withWeights(weights: readonly Int8Array[]): Forger {
    const other = new Forger({ ...this.model, weights }, this.#kernel, this.#chain);
    other.params = this.params;
    return other;
  }

  /** One unit of the header's tokens. */
  async unit(core: HeaderCore, lies: Lies = {}): Promise<Unit> {
    const { operandOf = honestly, carriesOf = (_, honest) => honest() } = lies;
    const limits = this.limits(core);
    const unit: Unit = { x: [], a: [], y: [], t: [], sigmas: [], operands: [], wins: [] };
    const made = new Map<string, Uint8Array>();
    let sigma = seedOf(core);
    const tokens = tokensOf(sigma, this.model.manifest);
    for (const [i, l] of this.linears.entries()) {
      const linear = i + 1;
      const operand = await operandOf(linear, () => this.#activations(linear, tokens, made));
      this.#kernel.loadOperand(operand);
      const y = carriesOf(linear, () => this.#carries(linear, made));
      const a = this.#kernel.hashActivations(l);
      unit.operands.push(operand);
      unit.a.push(a);
      unit.y.push(y);
      unit.x.push(stateHash(a, y));
      const before = unit.t.at(-1) ?? ZERO_HASH;
      sigma = layerSeed(sigma, before, unit.x.at(-1)!, l.weights, linear);
      unit.sigmas.push(sigma);
      unit.wins.push(...(await this.#multiply(linear, sigma, limits[i]!, unit.t)));
    }
    this.#chain.reset();
    return unit;
  }

  /** Winning tiles of one linear alone: the attacker chooses σ_{ℓ−1}, t_{ℓ−1}, A_ℓ and y_ℓ. */
  async lottery(
    core: HeaderCore,
    linear: number,
    { before, transcript, operand, y }: Record<'before' | 'transcript' | 'y', Uint8Array> & Operand,
  ): Promise<{ a: Uint8Array; x: Uint8Array; wins: Win[] }> {
    const l = this.linears[linear - 1]!;
    this.#kernel.loadOperand(operand);
    const a = this.#kernel.hashActivations(l);
    const x = stateHash(a, y);
    const sigma = layerSeed(before, transcript, x, l.weights, linear);
    return { a, x, wins: await this.#multiply(linear, sigma, this.limits(core)[linear - 1]!, []) };
  }

  limits(core: HeaderCore): bigint[] {
    return ticketLimits(targetOf(this.params!, core), this.model.manifest);
  }

  /** Tries nonces until `pick` takes one of a unit's wins. */
  async win(
    core: HeaderCore,
    lies: Lies = {},
    pick: (wins: readonly Win[]) => Win | undefined = (wins) => wins[0],
  ): Promise<Won> {
    for (let nonce = core.nonce + 1n; nonce < core.nonce + BigInt(UNITS_MAX); nonce++) {
      const tried = { ...core, nonce };
      const unit = await this.unit(tried, lies);
      const winner = pick(unit.wins);
      if (winner) return this.block(tried, unit, winner);
    }
    throw new Error(`no win in ${UNITS_MAX} units`);
  }

  /** Header and proof that name that winner, whatever the unit really gave. */
  block(core: HeaderCore, unit: Pick<Unit, 'x' | 'a' | 'y' | 't' | 'operands'>, winner: Win): Won {
    const captured = unit.operands[winner.linear - 1];
    const proof = createProof(this.model, { ...unit, winner, captured });
    return { header: { ...core, proofDigest: proofDigest(proof) }, proof };
  }

  /** Runs segment ℓ−1, and hashes the carries that it makes. */
  async #activations(
    linear: number,
    tokens: Uint32Array,
    made: Map<string, Uint8Array>,
  ): Promise<Int8Array> {
    const l = this.linears[linear - 2];
    const inputs: Feeds = l
      ? { [`c${linear - 1}`]: new Tensor('float32', this.#kernel.product(l), [l.m, l.n]) }
      : Object.fromEntries(
          firstInputs(this.model, tokens).map(({ name, data, dims }) => [
            name,
            new Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, dims),
          ]),
        );
    const output = await this.#chain.run(linear - 1, inputs);
    for (const carry of unitShape(this.model.manifest).carries) {
      if (carry.made !== linear - 1) continue;
      const values = this.#chain.carry(carry.name).data as Float32Array;
      made.set(carry.name, carryHash(carry, values));
    }
    return Int8Array.from(output.data as Float32Array);
  }

  /** y of a linear; carries of segments that the attacker did not run are zeros. */
  #carries(linear: number, made: ReadonlyMap<string, Uint8Array>): Uint8Array {
    const alive = carriesAt(unitShape(this.model.manifest), linear);
    return carriesHash(alive.map(({ name }) => made.get(name) ?? ZERO_HASH));
  }

  /** The linear's weights in the kernel. */
  #weights(linear: number): PlacedWeights {
    const rows = this.model.weights[linear - 1]!;
    let placed = this.#placed.get(rows);
    if (!placed) {
      placed = this.#kernel.placeWeights(this.linears[linear - 1]!, rows);
      this.#placed.set(rows, placed);
    }
    return placed;
  }

  async #multiply(linear: number, sigma: Uint8Array, limit: bigint, t: Uint8Array[]) {
    const made = await this.#kernel.multiplyNoisy(
      this.linears[linear - 1]!,
      this.#weights(linear),
      { sigma, number: linear },
      async () => {},
    );
    t.push(made.t);
    if (!limit) return [];
    const bound = fromHex(limit.toString(16).padStart(64, '0'))!;
    const wins: Win[] = [];
    for (let tile = 0; 32 * tile < made.tickets.length; tile++)
      if (Buffer.compare(made.tickets.subarray(32 * tile, 32 * tile + 32), bound) <= 0)
        wins.push({ linear, tile });
    return wins;
  }
}
