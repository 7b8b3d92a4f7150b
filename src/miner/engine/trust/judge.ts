/**
 * One step of a unit, run again by plain code, which shares nothing with what computes units. A unit commits to what
 * each step starts from and gives (x_ℓ), so that this shows whether a device still computes right.
 */
import { plainHash } from '../../../core/hash.ts';
import type { StepInput } from '../../../core/pow/known.ts';
import { equal } from '../../../lib/bytes.ts';
import { assert } from '../../../lib/errors.ts';
import { plainStepBeside } from '../../plain-step.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../backend.ts';
import { StepLost } from '../self-test.ts';

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
  const want = await plainStepBeside(model, await startOf(cpu, input, at));
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

/** Time and chance, which tests hold still. */
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
