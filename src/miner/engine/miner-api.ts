/** The miner worker's protocol: what the client asks of it and what it tells. */
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { Execution } from '../../core/tx/state-tx.ts';
import type { Fault } from '../../core/faults.ts';
import type { Header, HeaderCore, Proof } from '../../core/formats.ts';
import type { Manifest } from '../../core/manifest.ts';

/** Cores that units on the CPU take at most, whatever is asked for. */
export const THREADS_MAX = 64;

/** What a status calls the device at work. */
export type ShownBackend = 'webgpu' | 'cpu';
export type BackendChoice = 'auto' | ShownBackend;

export interface MinerConfig {
  /** Where ONNX Runtime's wasm files lie; undefined lets the runtime find them (Node, tests). */
  readonly ortBase: string | undefined;
  /** Mine also on a software adapter: tests only, it is slower than the CPU. */
  readonly forceFallback: boolean;
  /** Cores that units on the CPU may take. */
  readonly threads: number;
}

/** What to work on: a header without nonce and, for a job, the request's input. */
export interface Template {
  readonly core: HeaderCore;
  readonly jobInput: Uint8Array | undefined;
}

export type MinerState =
  'off' | 'loading' | 'testing' | 'running' | 'finishing' | 'paused' | 'failed';

/** Everything here is measured since the worker started. */
export interface MinerStatus {
  readonly state: MinerState;
  readonly backend: ShownBackend | undefined;
  /** Adapter or processor, for people. */
  readonly device: string;
  /** Which kernel multiplies there, and how fast those tried were. */
  readonly kernel: string;
  readonly model: string;
  /** Units run to the end. */
  readonly units: number;
  /** Units or blocks thrown away, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Over the last units; 0 before the first. */
  readonly macsPerSecond: number;
  readonly blocksFound: number;
  /** Code of the failure that ended it. */
  readonly problem: ErrorCode | undefined;
}

export const MINER_OFF: MinerStatus = {
  state: 'off',
  backend: undefined,
  device: '',
  kernel: '',
  model: '',
  units: 0,
  rejected: {},
  macsPerSecond: 0,
  blocksFound: 0,
  problem: undefined,
};

export interface FoundBlock {
  readonly header: Header;
  readonly proof: Proof;
}

export type MinerApi = {
  configure(config: MinerConfig): void;
  /**
   * A model's files, segments 0..L then the weights of linears 1..L: comes before what uses it.
   * @throws AppError MODEL_CORRUPT, MODEL_REFUSED
   */
  provide(manifest: Manifest, files: readonly Uint8Array[]): Promise<void>;
  /**
   * Lets a model go, its sessions and its device; one that it does not have is fine.
   * @throws AppError MODEL_BUSY while it is mined with
   */
  release(modelId: Uint8Array): Promise<void>;
  /**
   * Loads and self-tests, then runs units whenever there is a template.
   * @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED, SELF_TEST_FAILED, NO_WEBGPU
   */
  start(model: string, backend: BackendChoice): Promise<void>;
  work(template: Template | undefined): void;
  /** Share of the time that units may take, 0 to 1; 0 holds the work. 1 until it is told. */
  throttle(duty: number): void;
  /** At once: the unit in work is thrown away. */
  pause(): void;
  /** After the unit in work. */
  finish(): void;
  /** Replays the winning unit on the CPU. @returns every fault that it shows, in order of the rules */
  check(header: Header, proof: Proof, jobInput: Uint8Array | undefined): Promise<readonly Fault[]>;
  /** Runs a request's input. */
  execute(modelId: Uint8Array, input: Uint8Array): Promise<Execution>;
};

/** What a unit on a request gave beside its tickets; once for each time its job begins. */
export interface AnsweredJob extends Execution {
  readonly jobId: Uint8Array;
}

export type MinerEvents = { status: MinerStatus; block: FoundBlock; answered: AnsweredJob };
