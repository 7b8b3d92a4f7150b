/** Which blocks of a light client's store have a checked proof, which have a body, which were drawn. */
import { toHex } from '../../../lib/bytes.ts';
import type { Checked, Sample } from '../records.ts';

export interface KeptNow {
  /** Blocks whose proof passed and is stored, by id in hex. */
  readonly checked: Map<string, Checked>;
  /** Heights of blocks whose body is stored, by id in hex. */
  readonly bodies: Map<string, number>;
  readonly sample: Sample;
}

export class KeptBlocks {
  readonly #checked: Map<string, Checked>;
  readonly #bodies: Map<string, number>;
  #sample: Sample;
  #wholeDownTo = Infinity;

  constructor({ checked, bodies, sample }: KeptNow) {
    this.#checked = checked;
    this.#bodies = bodies;
    this.#sample = sample;
  }

  get checked(): ReadonlyMap<string, Checked> {
    return this.#checked;
  }

  get bodies(): ReadonlyMap<string, number> {
    return this.#bodies;
  }

  /** Older blocks that were drawn at random: their proofs are not pruned. */
  get sample(): Sample {
    return this.#sample;
  }

  /** All blocks above this height are kept whole, except some near the head. */
  get wholeDownTo(): number {
    return this.#wholeDownTo;
  }

  isChecked = (idHex: string): boolean => this.#checked.has(idHex);

  hasBody(id: Uint8Array): boolean {
    return this.#bodies.has(toHex(id));
  }

  isWhole(id: Uint8Array): boolean {
    return this.hasBody(id) && this.isChecked(toHex(id));
  }

  addChecked(id: Uint8Array, checked: Checked): void {
    this.#checked.set(toHex(id), checked);
  }

  dropChecked(idHex: string): void {
    this.#checked.delete(idHex);
  }

  addBody(id: Uint8Array, height: number): void {
    this.#bodies.set(toHex(id), height);
  }

  dropBody(idHex: string): void {
    this.#bodies.delete(idHex);
  }

  setSample(sample: Sample): void {
    this.#sample = sample;
  }

  setWholeDownTo(height: number): void {
    this.#wholeDownTo = height;
  }
}
