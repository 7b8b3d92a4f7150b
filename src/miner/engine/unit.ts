/** Units: the input of a pass made from a template, and the pass that runs for a unit. */
import type { HeaderCore } from '../../core/formats.ts';
import { answerBytes, inputBytesMax } from '../../core/manifest.ts';
import { seedOf, tokensOf } from '../../core/pow/seed.ts';
import { ticketLimits } from '../../core/pow/transcript.ts';
import { concat, equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from './backend.ts';
import type { Work } from './miner-api.ts';
import { joinTokens, sequencesOf } from './shapes.ts';

/** A unit that the device runs or has queued. */
export interface Unit {
  readonly work: Work;
  /** Input of the pass, kept so that a check can run the unit again. */
  readonly input: PassInput;
  readonly startedMs: number;
  readonly result: Promise<PassResult>;
  /** Aborts the unit, because nobody waits for it any more. */
  drop(): void;
}

/** What differs between the units of a template. */
export interface UnitStart {
  readonly nonce: bigint;
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

export function beginUnit(
  device: Backend,
  model: ModelPackage,
  template: Work,
  { nonce, startedMs, signal }: UnitStart,
): Unit {
  const work = { ...template, core: { ...template.core, nonce } };
  const input = passInput(model, work.core, work.target);
  const stop = new AbortController();
  const result = device.pass({ ...input, signal: AbortSignal.any([signal, stop.signal]) });
  // A failure is thrown where the result is awaited; the failure of a dropped unit is ignored.
  result.catch(() => undefined);
  return { work, input, startedMs, result, drop: () => stop.abort() };
}

/** Whether a unit on `one` is worth about as much as one on `other`, whose target may be a little easier by now. */
export const sameWork = (one: Work, other: Work): boolean =>
  equal(one.core.prevHash, other.core.prevHash) &&
  equal(one.modelId, other.modelId) &&
  equal(one.core.miner, other.core.miner);

export function passInput({ manifest }: ModelPackage, core: HeaderCore, target: bigint): PassInput {
  const sigma0 = seedOf(core);
  return {
    tokens: tokensOf(sigma0, manifest),
    sigma0,
    limits: ticketLimits(target, manifest),
    // Nobody reads a unit's answer: its last segment is not run, nor what only that one needs of the last product.
    stopAfter: manifest.linears.length,
  };
}

/**
 * Runs the model on an input without noise, each sequence in the shortest shape that holds it. @returns the answer
 * rows of the input's sequences, of which there is at least one, int8 as bytes
 * @throws AppError INPUT_LONG
 */
export async function runPlain(
  { manifest }: ModelPackage,
  cpu: Backend,
  input: Uint8Array,
): Promise<Uint8Array> {
  const fits = input.length <= inputBytesMax(manifest);
  const sequences = fits ? sequencesOf(input, manifest) : undefined;
  if (!sequences)
    throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${manifest.name}`);
  const rows = sequences.map(() => new Uint8Array());
  for (const [shape, { sequences: most, tokens: length }] of manifest.shapes.entries()) {
    const size = answerBytes(manifest, { tokens: length });
    const own = [...sequences.keys()].filter((i) => sequences[i]!.shape === shape);
    for (let from = 0; from < own.length; from += most) {
      const part = own.slice(from, from + most);
      const tokens = joinTokens(part.map((i) => sequences[i]!));
      const plain = { shape, tokens, sigma0: undefined, limits: [], answerOnly: true };
      const { answer } = await cpu.pass(plain);
      for (const [seat, i] of part.entries())
        rows[i] = Uint8Array.from(answer.subarray(seat * size, (seat + 1) * size));
    }
  }
  return concat(...rows);
}
