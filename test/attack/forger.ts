/**
 * A miner that may lie in one place: units run on the real segments and kernels, but the attacker may change
 * each operand, transcript and winner first. Its blocks are always consistent with themselves, as those of a
 * careful cheat would be.
 */
import { Tensor } from 'onnxruntime-web/webgpu';
import type { Header, HeaderCore, Proof } from '../../src/core/formats.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { proofDigest } from '../../src/core/pow/proof.ts';
import { layerSeed, seedOf, tokensOf } from '../../src/core/pow/seed.ts';
import { ticketLimits } from '../../src/core/pow/transcript.ts';
import { targetFromBits } from '../../src/core/header/target.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { createKernel, type Kernel } from '../../src/miner/cpu/kernel/kernel.ts';
import { createProof } from '../../src/miner/engine/prove.ts';
import { createSegmentChain, type SegmentChain } from '../../src/miner/engine/segments.ts';

export interface Win {
  /** From 1. */
  readonly linear: number;
  readonly tile: number;
}

export interface Unit {
  /** a_1..a_L and t_1..t_L. */
  readonly a: Uint8Array[];
  readonly t: Uint8Array[];
  /** σ_1..σ_L. */
  readonly sigmas: Uint8Array[];
  /** A_1..A_L. */
  readonly operands: Int8Array[];
  /** All winning tiles in order. */
  readonly wins: Win[];
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
  const kernel = await createKernel(model.manifest.linears);
  return new Forger(model, kernel, await createSegmentChain(model.segments, { provider: 'wasm' }));
}

export class Forger {
  readonly model: ModelPackage;
  readonly #kernel: Kernel;
  readonly #chain: SegmentChain;

  constructor(model: ModelPackage, kernel: Kernel, chain: SegmentChain) {
    this.model = model;
    this.#kernel = kernel;
    this.#chain = chain;
  }

  /** The same machine with other weights behind the same manifest. */
  withWeights(weights: readonly Int8Array[]): Forger {
    return new Forger({ ...this.model, weights }, this.#kernel, this.#chain);
  }

  /** One unit of the header's tokens. */
  async unit(core: HeaderCore, operandOf: OperandOf = honestly): Promise<Unit> {
    const { linears } = this.model.manifest;
    const limits = this.limits(core);
    const unit: Unit = { a: [], t: [], sigmas: [], operands: [], wins: [] };
    let sigma = seedOf(core);
    const tokens = tokensOf(sigma, this.model.manifest);
    for (let linear = 1; linear <= linears.length; linear++) {
      const l = linears[linear - 1]!;
      const operand = await operandOf(linear, () => this.#activations(linear, tokens));
      this.#kernel.loadOperand(operand);
      unit.operands.push(operand);
      unit.a.push(this.#kernel.hashActivations(l));
      const before = unit.t.at(-1) ?? ZERO_HASH;
      sigma = layerSeed(sigma, before, unit.a.at(-1)!, l.weights, linear);
      unit.sigmas.push(sigma);
      unit.wins.push(...(await this.#multiply(linear, sigma, limits[linear - 1]!, unit.t)));
    }
    this.#chain.reset();
    return unit;
  }

  /** Winning tiles of one linear alone: the attacker chooses σ_{ℓ−1}, t_{ℓ−1} and A_ℓ. */
  async lottery(
    core: HeaderCore,
    linear: number,
    { before, transcript, operand }: Record<'before' | 'transcript', Uint8Array> & Operand,
  ): Promise<{ a: Uint8Array; wins: Win[] }> {
    const l = this.model.manifest.linears[linear - 1]!;
    this.#kernel.loadOperand(operand);
    const a = this.#kernel.hashActivations(l);
    const sigma = layerSeed(before, transcript, a, l.weights, linear);
    return { a, wins: await this.#multiply(linear, sigma, this.limits(core)[linear - 1]!, []) };
  }

  limits(core: HeaderCore): bigint[] {
    return ticketLimits(targetFromBits(core.bits) ?? 0n, this.model.manifest);
  }

  /** Tries nonces until `pick` takes one of a unit's wins. */
  async win(
    core: HeaderCore,
    operandOf: OperandOf = honestly,
    pick: (wins: readonly Win[]) => Win | undefined = (wins) => wins[0],
  ): Promise<Won> {
    for (let nonce = core.nonce + 1n; nonce < core.nonce + BigInt(UNITS_MAX); nonce++) {
      const tried = { ...core, nonce };
      const unit = await this.unit(tried, operandOf);
      const winner = pick(unit.wins);
      if (winner) return this.block(tried, unit, winner);
    }
    throw new Error(`no win in ${UNITS_MAX} units`);
  }

  /** Header and proof that name that winner, whatever the unit really gave. */
  block(core: HeaderCore, unit: Pick<Unit, 'a' | 't' | 'operands'>, winner: Win): Won {
    const captured = unit.operands[winner.linear - 1];
    const proof = createProof(this.model, { ...unit, winner, captured });
    return { header: { ...core, proofDigest: proofDigest(proof) }, proof };
  }

  async #activations(linear: number, tokens: Uint16Array): Promise<Int8Array> {
    const { manifest } = this.model;
    const l = manifest.linears[linear - 2];
    const input = l
      ? new Tensor('float32', this.#kernel.product(l), [l.m, l.n])
      : new Tensor('int32', Int32Array.from(tokens), [manifest.sequences, manifest.tokens]);
    const output = await this.#chain.run(linear - 1, input);
    return Int8Array.from(output.data as Float32Array);
  }

  async #multiply(linear: number, sigma: Uint8Array, limit: bigint, t: Uint8Array[]) {
    const { manifest, weights } = this.model;
    const l = manifest.linears[linear - 1]!;
    const made = await this.#kernel.multiplyNoisy(
      l,
      weights[linear - 1]!,
      { sigma, number: linear },
      async () => {},
    );
    t.push(made.t);
    const bound = fromHex(limit.toString(16).padStart(64, '0'))!;
    const wins: Win[] = [];
    for (let tile = 0; 32 * tile < made.tickets.length; tile++)
      if (Buffer.compare(made.tickets.subarray(32 * tile, 32 * tile + 32), bound) <= 0)
        wins.push({ linear, tile });
    return wins;
  }
}
