/**
 * Segments on ONNX Runtime. Import this file lazily: it brings the runtime, of which a page must not fetch a byte
 * where the executor covers its models.
 */
import { env, Tensor } from 'onnxruntime-web/webgpu';
import { answerBytes, type Carry, type Shape, type UnitLinear } from '../../core/manifest.ts';
import { utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { segmentsOf } from '../engine/backend.ts';
import type { Place } from '../executor/memory.ts';
import { firstInputs } from '../engine/inputs.ts';
import { createSegmentChain, type Feeds, type SegmentChain } from '../engine/segments.ts';
import { carryEntries, type CpuSegments, type SegmentParts } from './segments.ts';

/** Runs segments; `wanted` says of which it is asked. */
export interface RuntimeParts extends Omit<SegmentParts, 'facts' | 'tables'> {
  /** Where carries lie. */
  readonly carry: (name: string) => Place;
  /** Whether a segment is to run here; all are where it is left out. */
  readonly wanted?: (index: number) => boolean;
}

/** @throws AppError MODEL_REFUSED */
export async function createRuntimeSegments(parts: RuntimeParts): Promise<CpuSegments> {
  const { model, index, wanted } = parts;
  const files = segmentsOf(model, index);
  const chain = await createSegmentChain(files, { provider: 'wasm' }, wanted);
  return new RuntimeSegments(parts, chain);
}

class RuntimeSegments implements CpuSegments {
  readonly program = utf8(`onnxruntime-web ${env.versions.web}`);
  readonly usesRuntime = true;
  readonly carry: (name: string) => Place;
  readonly #parts: RuntimeParts;
  readonly #chain: SegmentChain;
  readonly #shape: Shape;
  readonly #linears: readonly UnitLinear[];
  #tokens: Uint32Array = new Uint32Array();
  #answer = new Int8Array();

  constructor(parts: RuntimeParts, chain: SegmentChain) {
    this.#parts = parts;
    this.#chain = chain;
    this.carry = parts.carry;
    this.#shape = parts.model.manifest.shapes[parts.index]!;
    const { sequences, tokens } = this.#shape;
    this.#linears = parts.model.manifest.linears.map((l) => ({ ...l, m: sequences * tokens }));
  }

  begin(tokens: Uint32Array): void {
    this.#tokens = tokens;
  }

  async run(index: number): Promise<void> {
    for (const carry of this.#read(index)) this.#chain.lend(carry.name, this.#tensorOf(carry));
    const made = await this.#chain.run(index, index ? this.#product(index) : this.#first());
    for (const carry of this.#shape.carries) if (carry.made === index) this.#store(carry);

    const values = made.data as Float32Array;
    const l = this.#linears[index];
    if (!l) this.#answer = Int8Array.from(values);
    else if (values.length !== l.m * l.k || !this.#parts.kernel.loadActivations(l, values))
      throw new AppError('MODEL_REFUSED', `a${index + 1} is not ${l.m}×${l.k} int7 values`);
    made.dispose();
  }

  answer(): Int8Array {
    const { manifest } = this.#parts.model;
    if (this.#answer.length !== this.#shape.sequences * answerBytes(manifest, this.#shape))
      throw new AppError('MODEL_REFUSED', `${this.#answer.length} answer values`);
    return this.#answer;
  }

  reset(): void {
    this.#chain.reset();
  }

  close(): Promise<void> {
    return this.#chain.close();
  }

  #first(): Feeds {
    return Object.fromEntries(
      firstInputs(this.#parts.model, this.#tokens, this.#shape).map(({ name, data, dims }) => [
        name,
        new Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, dims),
      ]),
    );
  }

  #product(index: number): Feeds {
    const l = this.#linears[index - 1]!;
    return { [`c${index}`]: new Tensor('float32', this.#parts.kernel.product(l), [l.m, l.n]) };
  }

  /** Carries that a segment reads and that ONNX Runtime has not made in this pass. */
  #read(index: number): Carry[] {
    const inputs = this.#chain.inputsOf(index);
    return this.#shape.carries.filter(
      ({ name }) => inputs.includes(name) && !this.#chain.has(name),
    );
  }

  #entries(carry: Carry): ReturnType<typeof carryEntries> {
    const { memory } = this.#parts.kernel;
    return carryEntries(memory, this.carry(carry.name), carry, this.#shape.sequences);
  }

  #tensorOf(carry: Carry): Tensor {
    const values = Float32Array.from(this.#entries(carry));
    return new Tensor('float32', values, this.#chain.dimensionsOf(carry.name));
  }

  #store(carry: Carry): void {
    this.#entries(carry).set(this.#chain.carry(carry.name).data as Float32Array);
  }
}
