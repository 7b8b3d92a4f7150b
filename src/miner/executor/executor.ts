/**
 * A model's segments on the CPU, in the kernel's own memory: C is read as the int32 that the product left, A is
 * written as the int8 that the next product reads, carries as they are hashed. Sequences are the outermost loop and
 * heads the next, so that what lies between two steps stays in the core's cache.
 *
 * After the plan: wasm/ (row programs become functions), nest (loops around the steps), memory (where buffers lie),
 * steps (calls with their addresses).
 */
import { answerBytes, type Manifest } from '../../core/manifest.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { ExecutorMemory, type ExecutorTable, type ExecutorKernel, type Place } from './memory.ts';
import { nest } from './nest.ts';
import { planModel, type PlanInput } from './plan.ts';
import { poolProgram, readsPages, readyPhases, type Compiled, type ReadyPhase } from './steps.ts';
import type { Plan, RowProgram, Step } from './types.ts';
import { moduleOf } from './wasm/code.ts';
import { emitProgram, FUNCTION_BYTES_MAX } from './wasm/emit.ts';
import type { Emitted } from './wasm/function.ts';

/** Bytes of generated code of a model; MiniLM has 15 KB. */
const CODE_BYTES_MAX = 2 ** 20;

/** More than any cache has room for. */
const ALL_TOKENS = 2 ** 31;

/** One shape of a model. */
export interface ExecutorInput extends PlanInput {
  readonly manifest: Pick<Manifest, 'kind' | 'vocabulary' | 'linears' | 'tables' | 'answerSize'>;
  readonly tables: readonly ExecutorTable[];
  /** Refuses what it would not run alone, before it takes memory. */
  readonly isWhole?: boolean;
  /** Of a step: tokens of a page of caches. Absent: a page holds all. */
  readonly pageTokens?: number;
}

/** Runs one pass at a time, segment by segment. */
export interface Executor {
  /** Whether it runs a segment; those that it does not are ONNX Runtime's. */
  readonly covers: readonly boolean[];
  /** What is interpreted or not covered, for people. */
  readonly report: readonly string[];
  /** Bytes of memory that it reserved. */
  readonly bytes: number;
  /** The generated code, and what it is run on: together they say what is computed. */
  readonly code: Uint8Array;
  readonly plan: Plan;
  /** Places whose contents nobody needs between two segments: tests fill them with what must not matter. */
  readonly volatile: readonly Place[];
  /** Begins a pass over n·S tokens, 1 ≤ n ≤ B. */
  begin(tokens: Uint32Array): void;
  /**
   * Of a step, after `begin`: for each sequence how many tokens it had before, and the addresses of its caches' pages,
   * as many as hold them and the token of the step.
   */
  place(positions: readonly number[], pages: readonly (readonly number[])[]): void;
  /** Of a step: bytes of a page, which holds so many tokens of all caches, and where each of them lies in it. */
  readonly pageBytes: number;
  readonly caches: readonly Place[];
  /**
   * Runs a segment on sequences `from` (0 where none is given) to `until` − 1: reads C and carries, writes A, or the
   * answer, and carries.
   */
  run(segment: number, until: number, from?: number): void;
  /** Rows of the answer of n sequences. */
  answer(sequences: number): Int8Array;
  /** Where a carry lies, all B sequences in order. */
  carry(name: string): Place;
}

/** @throws AppError DEVICE_MEMORY; MODEL_REFUSED where it is to run all and can't */
export async function createExecutor(
  input: ExecutorInput,
  kernel: ExecutorKernel,
): Promise<Executor> {
  const plan = planModel(input);
  const emitted = emitAll(plan);
  const code = moduleOf([...emitted.values()]);
  const { instance } = await WebAssembly.instantiate(code, { env: { memory: kernel.memory } });
  const compiled = new Map<string, Compiled>(
    [...emitted].map(([key, { layout, scratchBytes }], i) => {
      const run = instance.exports[`f${i}`] as Compiled['run'];
      return [key, { run, layout, scratchBytes }];
    }),
  );
  const covers = plan.segments.map(({ steps }) =>
    Boolean(
      steps?.every(
        (step) => isCompiled(programOf(step, plan), compiled) && readsPages(step, plan.buffers),
      ),
    ),
  );
  const report = plan.segments.flatMap(({ report }, i) => [
    ...report.map((line) => `segment ${i}: ${line}`),
    ...(covers[i] || report.length ? [] : [`segment ${i}: its code is too large`]),
  ]);
  if (input.isWhole && !covers.every(Boolean))
    throw new AppError('MODEL_REFUSED', `not covered: ${report.join('; ')}`);
  return new CpuExecutor(input, { plan, compiled, kernel, code, covers, report });
}

/** Programs of a step: one of rows, or that of a pool. */
function programOf(step: Step, { programs, buffers }: Plan): RowProgram | undefined {
  if (step.kind === 'rows') return programs[step.program]!;
  return step.kind === 'pool' ? poolProgram(step, buffers, step.from) : undefined;
}

/** Code of all programs, as long as there is room for it. */
function emitAll(plan: Plan): Map<string, Emitted> {
  const emitted = new Map<string, Emitted>();
  let bytes = 0;
  for (const { steps } of plan.segments)
    for (const step of steps ?? []) {
      const program = programOf(step, plan);
      if (!program || emitted.has(program.key)) continue;
      // What is too large has taken its time too.
      const made = emitProgram(program);
      bytes += made?.code.length ?? FUNCTION_BYTES_MAX;
      if (bytes > CODE_BYTES_MAX) return emitted;
      if (made) emitted.set(program.key, made);
    }
  return emitted;
}

interface Parts {
  readonly plan: Plan;
  readonly compiled: ReadonlyMap<string, Compiled>;
  readonly kernel: ExecutorKernel;
  readonly code: Uint8Array;
  readonly covers: readonly boolean[];
  readonly report: readonly string[];
}

class CpuExecutor implements Executor {
  readonly covers: readonly boolean[];
  readonly report: readonly string[];
  readonly code: Uint8Array;
  readonly plan: Plan;
  readonly #input: ExecutorInput;
  readonly #memory: ExecutorMemory;
  readonly #segments: readonly (readonly ReadyPhase[])[];

  constructor(input: ExecutorInput, { plan, compiled, kernel, code, covers, report }: Parts) {
    this.#input = input;
    this.code = code;
    this.plan = plan;
    this.covers = covers;
    this.report = report;
    const nests = plan.segments.map(({ steps }, i) =>
      this.covers[i] ? nest(steps!, plan) : undefined,
    );
    const { tables, shape, pageTokens = ALL_TOKENS } = input;
    const { carries } = shape;
    const parts = { plan, carries, nests, compiled, tables, pageTokens };
    this.#memory = new ExecutorMemory(kernel, parts);
    this.#segments = nests.map((found, i) =>
      found ? readyPhases(found.phases, this.#memory.workplace(i, compiled)) : [],
    );
  }

  get bytes(): number {
    return this.#memory.bytes;
  }

  get pageBytes(): number {
    return this.#memory.pageBytes;
  }

  get caches(): readonly Place[] {
    return this.#memory.caches;
  }

  place(positions: readonly number[], pages: readonly (readonly number[])[]): void {
    this.#memory.int.set(positions, this.#memory.placeOf('positions').at >> 2);
    const { at, each } = this.#memory.pages;
    // Of segments without caches there are none.
    if (each) for (const [i, own] of pages.entries()) at.set(own, i * each);
  }

  get volatile(): readonly Place[] {
    return this.#memory.volatile;
  }

  begin(tokens: Uint32Array): void {
    const { sequences, tokens: length } = this.#input.shape;
    assert(
      tokens.length % length === 0 && tokens.length <= sequences * length,
      `${tokens.length} tokens`,
    );
    const { vocabulary } = this.#input.manifest;
    // Tables are read where a token says.
    assert(
      tokens.every((token) => token < vocabulary),
      `a token is none of ${vocabulary}`,
    );
    this.#memory.refresh();
    this.#memory.int.set(tokens, this.#memory.placeOf('tokens').at >> 2);
    this.#memory.gather(tokens);
  }

  run(segment: number, until: number, from = 0): void {
    // No message is made for nothing: a step of a language model comes here some 150 times.
    assert(this.covers[segment], 'the executor runs the segment');
    assert(until > from && until <= this.#input.shape.sequences, 'as many sequences');
    this.#memory.refresh();
    for (const phase of this.#segments[segment]!) phase(from, until);
  }

  answer(sequences: number): Int8Array {
    const { at } = this.#memory.placeOf('answer');
    const { manifest, shape } = this.#input;
    const size = sequences * answerBytes(manifest, shape);
    return new Int8Array(this.#memory.buffer, at, size).slice();
  }

  carry(name: string): Place {
    return this.#memory.placeOf('carry', name);
  }
}

const isCompiled = (
  program: RowProgram | undefined,
  compiled: ReadonlyMap<string, Compiled>,
): boolean => !program || compiled.has(program.key);
