/** Units: what a pass takes from a template, a pass that runs for one, and what a job gets from it. */
import { ZERO_HASH } from '../../core/hash.ts';
import type { HeaderCore } from '../../core/formats.ts';
import { seedOf, tokensOf } from '../../core/pow/seed.ts';
import { ticketLimits } from '../../core/pow/transcript.ts';
import { targetFromBits } from '../../core/header/target.ts';
import { equal } from '../../lib/bytes.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from './backend.ts';
import type { Execution } from '../../core/tx/state-tx.ts';
import type { Template } from './miner-api.ts';

/** A unit that the device has been given. */
export interface Unit {
  readonly template: Template;
  readonly core: HeaderCore;
  /** As a check runs it again. */
  readonly input: PassInput;
  /** Whether it also gives the execution of the template's job. */
  readonly job: boolean;
  readonly startedMs: number;
  readonly result: Promise<PassResult>;
  /** Nobody waits for it any more. */
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
  // Its failure is thrown where it is awaited; that of a dropped unit concerns nobody.
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

/** The model on a request's input, without noise: what any unit on it gives. */
export async function runPlain(
  model: ModelPackage,
  cpu: Backend,
  input: Uint8Array,
): Promise<Execution> {
  const tokens = tokensOf(ZERO_HASH, model.manifest, input);
  return executionFrom(model, await cpu.pass({ tokens, sigma0: undefined, limits: [], job: true }));
}

/** Of a whole pass with `job`. */
export function executionFrom(
  { manifest }: ModelPackage,
  { execution, answer }: PassResult,
): Execution {
  const rows = answer.subarray(0, (manifest.sequences - 1) * manifest.answerSize);
  return { execution: execution!, answer: Uint8Array.from(rows, (x) => x & 0xff) };
}
