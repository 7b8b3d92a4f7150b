/** The miner worker's protocol: the client's calls and the worker's events. */
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { Fault } from '../../core/faults.ts';
import type { Header, HeaderCore, Proof } from '../../core/formats.ts';
import type { Claim, Task } from '../../core/header/header.ts';
import type { Manifest } from '../../core/manifest.ts';
import type { Made, Verdict } from '../generator/answer.ts';

/** Most cores for units on the CPU, whatever the configuration asks for. */
export const THREADS_MAX = 64;

/** What a status calls the device at work. */
export type ShownBackend = 'webgpu' | 'cpu';
export type BackendChoice = 'auto' | ShownBackend;

export interface MinerConfig {
  /** Where ONNX Runtime's wasm files lie; undefined lets the runtime find them (Node, tests). */
  readonly ortBase: string | undefined;
  /** Mine also on a software adapter, which is slower than the CPU: for tests only. */
  readonly forceFallback: boolean;
  /** Cores that units on the CPU may take. */
  readonly threads: number;
  /** Run segments on ONNX Runtime although the executor covers them: for tests only. */
  readonly forceRuntime?: boolean;
}

/** Who asks, from the first served to the last: the person here, somebody who has paid before, anybody. */
export const RANKS = ['own', 'payer', 'stranger'] as const;
export type Rank = (typeof RANKS)[number];

/** Sequences of which somebody wants the rows that the model gives. */
export interface AnswerJob {
  readonly model: Uint8Array;
  /** Packed as the manifest says, of up to 64 sequences. */
  readonly input: Uint8Array;
  readonly rank: Rank;
}

/** What a language model is to go on with (docs/generation.md). */
export interface GenerateJob {
  readonly model: Uint8Array;
  /** Token ids of one sequence, without padding. */
  readonly input: Uint32Array;
  /** Encoded Options; empty: the model's own. */
  readonly options: Uint8Array;
  readonly rank: Rank;
}

/** That a language model answers so. */
export interface AnswerClaim extends Omit<GenerateJob, 'rank'> {
  readonly answer: Uint32Array;
}

/** What answers do besides mining; the numbers of it are since the worker started. */
export interface AnsweringStatus {
  /** Jobs of which a sequence waits for a pass, and answers token by token that wait for their first step. */
  readonly waiting: number;
  /** Seconds until another job would begin, at the pace of the last passes; the most while the work is held. */
  readonly waitSeconds: number;
  /** Plain passes run to the end. */
  readonly passes: number;
  /** Sequences whose rows were given out. */
  readonly sequences: number;
  /**
   * ms that a token alone takes of a language model, by its name: of the last steps for others, with the rests of the
   * work's intensity. Those that have made none are absent.
   */
  readonly tokenMs: Readonly<Record<string, number>>;
}

/** The most that an offer can name (src/core/offer.ts). */
export const WAIT_SECONDS_MAX = 65_535;

export const ANSWERING_OFF: AnsweringStatus = {
  waiting: 0,
  waitSeconds: 0,
  passes: 0,
  sequences: 0,
  tokenMs: {},
};

export type MinerState =
  'off' | 'loading' | 'testing' | 'running' | 'finishing' | 'paused' | 'failed';

/** Everything here is measured since the worker started. */
export interface MinerStatus {
  readonly state: MinerState;
  readonly backend: ShownBackend | undefined;
  /** Adapter or processor, for people. */
  readonly device: string;
  /** Description of the kernel that multiplies, and the speeds of the kernels that were tried. */
  readonly kernel: string;
  readonly model: string;
  /** Units run to the end. */
  readonly units: number;
  /** Units or blocks thrown away, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Mean over the last units; 0 before the first. */
  readonly macsPerSecond: number;
  readonly blocksFound: number;
  readonly answering: AnsweringStatus;
  /** Code of the failure that ended mining. */
  readonly problem: ErrorCode | undefined;
  /** When a pause for a time ends, ms since 1970; told by the client, which starts the work again. */
  readonly pausedUntilMs?: number | undefined;
  /** Where code of ours gave a wrong step (EXACTNESS_LOST); ONNX Runtime, or the processor, works instead. */
  readonly inexact?: Inexact | undefined;
}

/** The last step that was wrong on this device: 1 to L+1, 0 unknown. */
export interface Inexact {
  readonly backend: ShownBackend;
  readonly model: string;
  readonly step: number;
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
  answering: ANSWERING_OFF,
  problem: undefined,
};

/** What to work on: a header whose nonce does not count. */
export interface Work extends Task {
  readonly core: HeaderCore;
}

export interface FoundBlock {
  readonly header: Header;
  readonly proof: Proof;
}

export type MinerApi = {
  configure(config: MinerConfig): void;
  /**
   * Gives a model's files, in the order of src/miner/package/parts.ts, before any call that uses the model.
   * @throws AppError MODEL_CORRUPT, MODEL_REFUSED
   */
  provide(manifest: Manifest, files: readonly Uint8Array[]): Promise<void>;
  /**
   * Releases a model, its sessions and its device; does nothing for a model that the worker does not have.
   * @throws AppError MODEL_BUSY while it is mined with, or an answer of it waits
   */
  release(modelId: Uint8Array): Promise<void>;
  /**
   * Loads and self-tests, then runs units whenever there is a template.
   * @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED, SELF_TEST_FAILED, NO_WEBGPU
   */
  start(model: string, backend: BackendChoice): Promise<void>;
  /**
   * What to work on. undefined: nothing, as a found block is answered; until then no other work on its head is taken,
   * which was made before it was known.
   */
  work(work: Work | undefined): void;
  /**
   * Share of the time that units and answers for others may take, 0 to 1; 0 holds the work, and gives up such
   * answers. It is 1 before the first call.
   */
  throttle(duty: number): void;
  /** Stops mining at once: the unit in work is thrown away. */
  pause(): void;
  /** Stops mining after the unit in work. */
  finish(): void;
  /** Replays the winning unit on the CPU. @returns every fault that it shows, in order of the rules */
  check(claim: Claim, proof: Proof): Promise<readonly Fault[]>;
  /**
   * Runs an input of at most one pass on the CPU, whatever mines: what it gives is surely the model's. Units rest
   * meanwhile, and for a moment after it.
   * @returns the answer rows of the input's sequences @throws AppError MODEL_MISSING, INPUT_LONG
   */
  execute(modelId: Uint8Array, input: Uint8Array): Promise<Uint8Array>;
  /** Loads a model before somebody asks it. @throws AppError MODEL_MISSING, MODEL_REFUSED, SELF_TEST_FAILED, EXACTNESS_LOST */
  load(modelId: Uint8Array): Promise<void>;
  /**
   * Rows of the answer, one for each sequence, whether the worker mines or not; on the device that mines with the
   * model, or else on the CPU. `id`: for `dropAnswer`, no other's that waits.
   * @throws AppError MODEL_MISSING, INPUT_EMPTY, INPUT_LONG, BUSY, PASS_ABORTED once it is dropped
   */
  answer(id: number, job: AnswerJob): Promise<readonly Uint8Array[]>;
  /**
   * Begins an answer of a language model, whether the worker mines or not, on the CPU. `id`: as of `answer`.
   * @returns its first token; the others are read by `nextToken`, and are made a little ahead of whoever reads
   * @throws AppError MODEL_MISSING, MODEL_REFUSED (no language model), INPUT_EMPTY, INPUT_LONG (also of what is
   * no token of the model), OPTION_MALFORMED, OPTION_RANGE, BUSY, PASS_ABORTED once it is dropped
   */
  generate(id: number, job: GenerateJob): Promise<Made>;
  /** One call after the other, until one has a `finish`. @throws AppError PASS_ABORTED of one that has ended, and BUSY */
  nextToken(id: number): Promise<Made>;
  /**
   * One pass over input and answer. @throws AppError as generate, about the claim's input and options
   */
  verifyAnswer(claim: AnswerClaim): Promise<Verdict>;
  /** Nobody waits for that answer any more. */
  dropAnswer(id: number): void;
};

export type MinerEvents = { status: MinerStatus; block: FoundBlock };
