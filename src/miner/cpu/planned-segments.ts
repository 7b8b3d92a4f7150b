/** Segments in the executor, and on ONNX Runtime those that it does not cover. */
import { concat, utf8 } from '../../lib/bytes.ts';
import type { Executor } from '../executor/executor.ts';
import type { Place } from '../executor/memory.ts';
import type { CpuSegments } from './segments.ts';

/** Constants are the package's own. */
const withoutData = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? undefined : value;

/** What tells what an executor runs from what any other runs. */
export const programOf = ({ code, plan }: Pick<Executor, 'code' | 'plan'>): Uint8Array =>
  concat(code, utf8(JSON.stringify(plan, withoutData)));

/** What the executor runs, with ONNX Runtime for the rest. */
export class PlannedSegments implements CpuSegments {
  readonly program: Uint8Array;
  readonly #executor: Executor;
  readonly #runtime: CpuSegments | undefined;
  /** Tokens of a sequence. */
  readonly #tokens: number;
  #sequences = 0;

  /** `runtime` runs what the executor does not cover; undefined where it covers all. */
  constructor(executor: Executor, tokens: number, runtime?: CpuSegments) {
    this.#executor = executor;
    this.#runtime = runtime;
    this.#tokens = tokens;
    this.program = programOf(executor);
  }

  get usesRuntime(): boolean {
    return this.#runtime !== undefined;
  }

  begin(tokens: Uint32Array): void {
    this.#sequences = tokens.length / this.#tokens;
    this.#executor.begin(tokens);
    this.#runtime?.begin(tokens);
  }

  run(index: number): Promise<void> | void {
    if (!this.#executor.covers[index]) return this.#runtime!.run(index);
    this.#executor.run(index, this.#sequences);
  }

  answer(): Int8Array {
    if (!this.#executor.covers.at(-1)) return this.#runtime!.answer();
    return this.#executor.answer(this.#sequences);
  }

  carry(name: string): Place {
    return this.#executor.carry(name);
  }

  reset(): void {
    this.#runtime?.reset();
  }

  async close(): Promise<void> {
    await this.#runtime?.close();
  }
}
