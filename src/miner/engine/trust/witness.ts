/**
 * One step of a unit, run again in the interpreter, which shares nothing with what computes units. A unit commits to
 * what each step starts from and gives (x_ℓ), so that this shows whether a device still computes right.
 */
import {
  carriesAt,
  carryBytes,
  unitLinears,
  unitShape,
  type Carry,
} from '../../../core/manifest.ts';
import { plainHash } from '../../../core/hash.ts';
import type { StepInput } from '../../../core/pow/known.ts';
import { carriesHash, stateHash } from '../../../core/pow/seed.ts';
import { equal } from '../../../lib/bytes.ts';
import { AppError, assert } from '../../../lib/errors.ts';
import { interpret, type Tensor } from '../../interpreter.ts';
import { parseOnnx } from '../../package/onnx.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../backend.ts';
import { firstInputs } from '../inputs.ts';
import { StepLost } from '../self-test.ts';

/** MACs of a plain product between two turns of the event loop: about 20 ms in JavaScript. */
const SLAB_MACS = 2e7;

/** As `Backend.step`: x_ℓ, or of step L+1 the BLAKE3 of the answer's rows. */
export async function interpretStep(model: ModelPackage, input: StepInput): Promise<Uint8Array> {
  const { number } = input;
  const { manifest } = model;
  const { sequences, carries } = unitShape(manifest);
  const graph = parseOnnx(model.segments[number - 1]!);
  if (typeof graph === 'string') throw new AppError('MODEL_REFUSED', graph);
  const known = new Map<string, Tensor>();
  if ('a' in input) {
    const dims = new Map(graph.inputs.map((one) => [one.name, one.dims]));
    for (const [name, values] of input.carries)
      if (dims.has(name))
        known.set(name, { dims: dims.get(name)!, data: Float32Array.from(values) });
    known.set(`c${number - 1}`, await productOf(model, number - 1, input.a));
  } else
    for (const { name, dims, data } of firstInputs(model, input.tokens))
      known.set(name, { dims, data });
  const made = interpret(graph, known);

  const a = made.get(`a${number}`);
  const rows = Int8Array.from((a ?? made.get('answer')!).data);
  const hash = plainHash(new Uint8Array(rows.buffer));
  if (!a) return hash;
  const entriesOf = (carry: Carry): ArrayLike<number> =>
    made.get(carry.name)?.data ?? ('a' in input ? input.carries.get(carry.name)! : []);
  const y = carriesAt({ carries }, number).map((carry) => {
    const entries = entriesOf(carry);
    assert(entries.length === sequences * carry.size, `carry '${carry.name}' is whole`);
    const stored = carryBytes(carry) === 2 ? Int16Array.from(entries) : Int32Array.from(entries);
    return plainHash(new Uint8Array(stored.buffer));
  });
  return stateHash(hash, carriesHash(y));
}

/** C = A·B of linear `number`. */
async function productOf(
  { manifest, weights }: ModelPackage,
  number: number,
  a: Int8Array,
): Promise<Tensor> {
  const { m, k, n } = unitLinears(manifest)[number - 1]!;
  const b = weights[number - 1]!;
  const data = new Float32Array(m * n);
  const slab = Math.max(1, Math.floor(SLAB_MACS / (k * n)));
  for (let i = 0; i < m; i++) {
    if (i % slab === slab - 1) await new Promise((r) => setTimeout(r));
    const row = a.subarray(i * k, (i + 1) * k);
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0, at = j * k; p < k; p++, at++) sum += row[p]! * b[at]!;
      data[i * n + j] = sum;
    }
  }
  return { dims: [m, n], data };
}

/** A unit that has run, and what ran it. */
export interface RunUnit {
  readonly device: Backend;
  readonly input: PassInput;
  readonly result: PassResult;
}

/**
 * Judges step `step` (1 to L+1) of a unit on the very inputs of that unit: `cpu` runs it again up to there, and the
 * device's own x commits to what it comes by there. Where the two differ earlier, the first step at which they do is
 * judged instead. A mined unit leaves out the last step, so for that the device runs the unit again, to its answer.
 * @throws StepLost where a step is not what the interpreter gives; AppError as `Backend.pass`
 */
export async function judgeUnit(
  { model, cpu }: { readonly model: ModelPackage; readonly cpu: Backend },
  unit: RunUnit,
  step: number,
): Promise<void> {
  const { device } = unit;
  const { stopAfter = step, ...whole } = unit.input;
  const isShort = step > stopAfter;
  const input = isShort ? whole : unit.input;
  const result = isShort ? await device.pass(input) : unit.result;
  const again = await cpu.pass(input);
  const given = (of: PassResult, at: number): Uint8Array =>
    of.x[at - 1] ?? plainHash(new Uint8Array(of.answer));
  const steps = Array.from({ length: step }, (_, i) => i + 1);
  const at = steps.find((i) => !equal(given(result, i), given(again, i))) ?? step;
  const want = await interpretStep(model, await startOf(cpu, input, at));
  for (const [backend, of] of [[cpu, again] as const, [device, result] as const])
    if (!equal(given(of, at), want)) throw new StepLost(backend, at);
}

/** What step `number` of a unit starts from. */
async function startOf(cpu: Backend, input: PassInput, number: number): Promise<StepInput> {
  if (number === 1) return { number, tokens: input.tokens };
  const at = number - 1;
  const capture = { stopAfter: at, capture: at, captureCarries: true };
  const { captured, carries } = await cpu.pass({ ...input, ...capture });
  assert(captured && carries, 'the processor captures both');
  return { number, a: captured, carries };
}

/** Of so many units one has a step judged, … */
const JUDGED_EVERY = 1000;
/** … unless that would take more than this share of the time: a fast GPU does a thousand units in seconds. */
const JUDGED_SHARE_MAX = 0.01;

export interface JudgeParts {
  nowMs(): number;
  /** From 0 to below 1. */
  random(): number;
}

/** Judges a random step of some units. */
export class Judge {
  readonly #parts: JudgeParts;
  #notBeforeMs = -Infinity;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
  }

  /** Judges the unit if it is one of those. @throws as judgeUnit */
  async maybe(loaded: Parameters<typeof judgeUnit>[0], unit: RunUnit): Promise<void> {
    const { nowMs, random } = this.#parts;
    const startedMs = nowMs();
    if (startedMs < this.#notBeforeMs || random() * JUDGED_EVERY >= 1) return;
    const steps = loaded.model.manifest.linears.length + 1;
    await judgeUnit(loaded, unit, 1 + Math.floor(random() * steps));
    const endedMs = nowMs();
    this.#notBeforeMs = endedMs + (endedMs - startedMs) / JUDGED_SHARE_MAX;
  }
}
