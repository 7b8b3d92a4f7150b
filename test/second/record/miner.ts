/** Mines the blocks of a recorded chain with the product's engine, and makes proofs that are false in one thing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../../../src/core/faults.ts';
import type { Header, HeaderCore, Proof } from '../../../src/core/formats.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import type { Claim } from '../../../src/core/header/header.ts';
import { unitLinears, unitRows } from '../../../src/core/manifest.ts';
import type { Params } from '../../../src/core/params.ts';
import { noisyRows } from '../../../src/core/pow/noise.ts';
import { proofDigest } from '../../../src/core/pow/proof.ts';
import { replayFaults } from '../../../src/core/pow/replay.ts';
import { layerSeedFrom } from '../../../src/core/pow/seed.ts';
import { isWinning, ticket, tileCount, tileMessage } from '../../../src/core/pow/transcript.ts';
import { targetOf } from '../../../src/core/header/target.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { Backend, ModelPackage, PassResult } from '../../../src/miner/engine/backend.ts';
import { createProof } from '../../../src/miner/engine/prove.ts';
import { passInput } from '../../../src/miner/engine/unit.ts';
import { loadPackage } from '../../../src/miner/package/package.ts';

/** Rows and columns of a tile. */
const TILE = 16;
const PACKAGE = join(import.meta.dirname, '../../../models/tiny');

export interface Mined {
  readonly header: Header;
  readonly proof: Proof;
}

/** In what a unit is run otherwise than the rules say. */
export type Lie = 'none' | 'tokens' | 'transcript' | 'later-winner' | 'no-winner';

export class RecordMiner {
  readonly model: ModelPackage;
  readonly #device: Backend;

  private constructor(model: ModelPackage, device: Backend) {
    this.model = model;
    this.#device = device;
  }

  static async create(): Promise<RecordMiner> {
    const model = await loadPackage(async (file) =>
      Uint8Array.from(await readFile(join(PACKAGE, file))),
    );
    return new RecordMiner(model, await createCpuBackend(model));
  }

  /** Tries nonces until a unit gives the proof. */
  async mine(params: Params, template: HeaderCore, lie: Lie = 'none'): Promise<Mined> {
    for (let nonce = 0n; ; nonce++) {
      const core = { ...template, nonce };
      const proof = await this.#prove(core, targetOf(params, core), lie);
      if (proof) return { header: { ...core, proofDigest: proofDigest(proof) }, proof };
    }
  }

  /** The full check (docs/protocol.md §5.6). */
  async check({ header, target }: Claim, proof: Proof): Promise<Fault | undefined> {
    const input = passInput(this.model, header, target);
    const replayed = await this.#device.pass({ ...input, stopAfter: proof.linear });
    return replayFaults({ proof, replayed })[0];
  }

  async #prove(core: HeaderCore, target: bigint, lie: Lie): Promise<Proof | undefined> {
    const right = passInput(this.model, core, target);
    const input =
      lie === 'tokens' ? { ...right, tokens: right.tokens.map((t) => (t % 9) + 1) } : right;
    const result = await this.#device.pass(input);
    if (lie === 'transcript') return this.#withTranscript(input.sigma0!, input, result);
    if (lie === 'no-winner') return this.#proof(input, result, { linear: 2, tile: 0 });
    if (!result.winner) return undefined;
    if (lie !== 'later-winner') return this.#proof(input, result, result.winner);
    const later = await this.#winnerAfter(input, result);
    return later && this.#proof(input, result, later);
  }

  async #proof(
    input: ReturnType<typeof passInput>,
    result: PassResult,
    winner: NonNullable<PassResult['winner']>,
  ): Promise<Proof> {
    const again = await this.#device.pass({ ...input, capture: winner.linear });
    return createProof(this.model, { ...result, winner, captured: again.captured });
  }

  /** Another winning tile of a linear above the winner's. */
  async #winnerAfter(input: ReturnType<typeof passInput>, result: PassResult) {
    for (let linear = result.winner!.linear + 1; linear <= result.x.length; linear++) {
      const tile = await this.#winningTile(input, linear, result.x, result.t);
      if (tile !== undefined) return { linear, tile };
    }
    return undefined;
  }

  /** A proof of linear 2 over a transcript of linear 1 that no unit has. */
  async #withTranscript(
    sigma0: Uint8Array,
    input: ReturnType<typeof passInput>,
    result: PassResult,
  ): Promise<Proof | undefined> {
    const t = [Uint8Array.from(sigma0).fill(7)];
    const tile = await this.#winningTile(input, 2, result.x, t);
    if (tile === undefined) return undefined;
    return this.#proof(input, { ...result, t }, { linear: 2, tile });
  }

  /** The first winning tile of a linear, by the plain functions of core. */
  async #winningTile(
    input: ReturnType<typeof passInput>,
    linear: number,
    x: readonly Uint8Array[],
    t: readonly Uint8Array[],
  ): Promise<number | undefined> {
    const { manifest, weights } = this.model;
    const { captured } = await this.#device.pass({ ...input, capture: linear });
    const l = unitLinears(manifest)[linear - 1]!;
    const before = [...t.slice(0, linear - 1)];
    const sigma = layerSeedFrom(input.sigma0 ?? ZERO_HASH, x.slice(0, linear), before, manifest);
    const a = noisyRows(sigma, 'a', 0, captured!.subarray(0, unitRows(manifest) * l.k), l.k, l.r);
    const b = noisyRows(sigma, 'b', 0, weights[linear - 1]!, l.k, l.r);
    const across = l.n / TILE;
    for (let tile = 0; tile < tileCount(l); tile++) {
      const row = Math.floor(tile / across) * TILE * l.k;
      const column = (tile % across) * TILE * l.k;
      const size = TILE * l.k;
      const message = tileMessage(
        a.subarray(row, row + size),
        b.subarray(column, column + size),
        l.k,
        l.r,
      );
      if (isWinning(ticket(sigma, message, linear, tile), input.limits[linear - 1]!)) return tile;
    }
    return undefined;
  }
}
