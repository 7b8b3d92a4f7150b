/** A model's segments as programs of our own on the device (compiled.ts): nothing is read back inside a pass. */
import { answerBytes, unitShape, type Shape } from '../../../core/manifest.ts';
import { BYTES, type Plan } from '../../executor/types.ts';
import type { ModelPackage } from '../../engine/backend.ts';
import { writePadded, type Bound, type Kernels, type Step } from '../kernels.ts';
import { hashedBytes, type Scratch } from '../linear.ts';
import type { Given, GpuSegments } from '../segments.ts';
import { compilePlan, type CompiledPlan } from './compiled.ts';
import type { Place } from './layout.ts';

/** A carry as it is hashed, and as programs read it, which may be the same. */
interface ExecutorCarry {
  readonly name: string;
  readonly hashed: Place;
  readonly read: Place;
  /** As it is hashed. */
  readonly bytes: number;
}

/** @throws AppError DEVICE_MEMORY */
export async function createExecutorSegments(
  model: ModelPackage,
  plan: Plan,
  kernels: Kernels,
  scratch: Scratch,
): Promise<GpuSegments> {
  const { packed: operand, output: product } = scratch;
  const { tables } = model;
  const compiled = await compilePlan(kernels, { plan, product, operand, tables });
  return new ExecutorSegments(model, plan, compiled, { device: kernels.device, operand });
}

class ExecutorSegments implements GpuSegments {
  readonly name = 'executor';
  readonly #compiled: CompiledPlan;
  readonly #device: GPUDevice;
  readonly #operand: GPUBuffer;
  readonly #carries: readonly ExecutorCarry[];
  readonly #tokens: Place | undefined;
  readonly #answer: Place;
  readonly #answerEntries: number;

  constructor(
    { manifest }: ModelPackage,
    plan: Plan,
    compiled: CompiledPlan,
    { device, operand }: { readonly device: GPUDevice; readonly operand: GPUBuffer },
  ) {
    const shape = unitShape(manifest);
    const placeOf = (kind: 'tokens' | 'answer'): Place | undefined =>
      compiled.layout.places[plan.buffers.findIndex(({ role }) => role.kind === kind)];
    this.#compiled = compiled;
    this.#device = device;
    this.#operand = operand;
    this.#carries = shape.carries.map((carry) => carryOf(carry, shape, plan, compiled));
    this.#tokens = placeOf('tokens');
    this.#answer = placeOf('answer')!;
    this.#answerEntries = shape.sequences * answerBytes(manifest, shape);
  }

  setTokens(tokens: Uint32Array): void {
    if (this.#tokens) this.#write(this.#tokens, Int32Array.from(tokens));
  }

  setState({ a, carries }: Given): void {
    writePadded(this.#device, this.#operand, 0, a);
    for (const { name, hashed, read } of this.#carries) {
      const values = carries.get(name);
      if (!values) continue;
      this.#write(hashed, hashed.storage === 'i16' ? Int16Array.from(values) : values);
      if (read !== hashed) this.#write(read, values);
    }
  }

  get program(): string {
    return this.#compiled.program;
  }

  run = (index: number): Promise<readonly Step[]> =>
    Promise.resolve(this.#compiled.segments[index]!);

  carry(index: number): Bound {
    const { hashed, bytes } = this.#carries[index]!;
    const size = Math.ceil(bytes / 4) * 4;
    return { buffer: this.#compiled.arena, offset: startOf(hashed), size };
  }

  answer(): { readonly buffer: GPUBuffer; readonly offset: number; readonly bytes: number } {
    const { arena } = this.#compiled;
    return { buffer: arena, offset: startOf(this.#answer), bytes: 4 * this.#answerEntries };
  }

  parseAnswer = (bytes: ArrayBuffer): Int8Array => Int8Array.from(new Int32Array(bytes));

  reset(): void {
    // Every pass writes what it reads.
  }

  close(): Promise<void> {
    this.#compiled.close();
    return Promise.resolve();
  }

  #write(place: Place, data: Int32Array | Int16Array): void {
    writePadded(this.#device, this.#compiled.arena, startOf(place), data);
  }
}

/** Byte at which a region begins. */
const startOf = ({ base, storage }: Place): number => BYTES[storage] * base;

function carryOf(
  carry: Shape['carries'][number],
  { sequences }: Shape,
  plan: Plan,
  { layout }: CompiledPlan,
): ExecutorCarry {
  const i = plan.buffers.findIndex(({ role }) => role.kind === 'carry' && role.name === carry.name);
  const read = layout.places[i]!;
  const settle = layout.settles.flat().find(({ buffer }) => buffer === i);
  const bytes = hashedBytes(sequences, carry);
  return { name: carry.name, read, hashed: settle?.to ?? read, bytes };
}
