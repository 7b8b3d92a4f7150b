/** Units: the input of a pass made from a template, the pass that runs for a unit, and a job's answer from it. */
import { ZERO_HASH } from '../../core/hash.ts';
import type { HeaderCore } from '../../core/formats.ts';
import { seedOf, tokensOf } from '../../core/pow/seed.ts';
import { ticketLimits } from '../../core/pow/transcript.ts';
import { targetFromBits } from '../../core/header/target.ts';
import { equal } from '../../lib/bytes.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from './backend.ts';
import type { Execution } from '../../core/tx/state-tx.ts';
import type { Template } from './miner-api.ts';

/** A unit that the device runs or has queued. */
export interface Unit {
  readonly template: Template;
  readonly core: HeaderCore;
  /** Input of the pass, kept so that a check can run the unit again. */
  readonly input: PassInput;
  /** Whether the unit also gives the execution of the template's job. */
  readonly job: boolean;
  readonly startedMs: number;
  readonly result: Promise<PassResult>;
  /** Aborts the unit, because nobody waits for it any more. */
  drop(): void;
}

/** What differs between the units of a template. */
export interface UnitStart {
  readonly nonce: bigint;
  readonly job: boolean;
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

export function beginUnit(
  device: Backend,
  model: ModelPackage,
  template: Template,
  start: UnitStart,
): Unit {
  const { nonce, job, startedMs, signal } = start;
  const core = { ...template.core, nonce };
  const input = passInput(model, core, template.jobInput);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const result = device.pass({ ...input, job, signal: either });
  // A failure is thrown where the result is awaited; the failure of a dropped unit is ignored.
  result.catch(() => undefined);
  return { template, core, input, job, startedMs, result, drop: () => stop.abort() };
}

/** Whether a unit on `one` is worth as much as one on `other`: the same head, target and job. */
export const sameWork = ({ core: one }: Template, { core: other }: Template): boolean =>
  one === other ||
  (equal(one.prevHash, other.prevHash) &&
    equal(one.jobId, other.jobId) &&
    equal(one.modelId, other.modelId) &&
    equal(one.miner, other.miner) &&
    one.bits === other.bits);

export function passInput(
  model: ModelPackage,
  core: HeaderCore,
  jobInput: Uint8Array | undefined,
): PassInput {
  const sigma0 = seedOf(core);
  const job = jobInput !== undefined;
  return {
    tokens: tokensOf(sigma0, model.manifest, jobInput),
    sigma0,
    limits: ticketLimits(targetFromBits(core.bits) ?? 0n, model.manifest, job),
    job: false,
  };
}

/** Runs the model on a request's input without noise: the same outcome as that of any unit on the request. */
export async function runPlain(
  model: ModelPackage,
  cpu: Backend,
  input: Uint8Array,
): Promise<Execution> {
  const tokens = tokensOf(ZERO_HASH, model.manifest, input);
  return executionFrom(model, await cpu.pass({ tokens, sigma0: undefined, limits: [], job: true }));
}

/** The execution from the result of a whole pass with `job`. */
export function executionFrom(
  { manifest }: ModelPackage,
  { execution, answer }: PassResult,
): Execution {
  const rows = answer.subarray(0, (manifest.sequences - 1) * manifest.answerSize);
  return { execution: execution!, answer: Uint8Array.from(rows, (x) => x & 0xff) };
}
