/**
 * Conversations of a language model, token by token: each has caches of its own, and a step adds tokens to any of
 * them at once, so that the weights are read once for all. What a step gives is what a pass over the whole text gives
 * (executor/step): operands and answer, bit for bit.
 *
 * Each shape of the manifest has its step, and a conversation takes the shortest that holds it. Caches have the room
 * of the longest and lie alike in all of them, so that nothing moves when a conversation grows into the next one.
 */
import { KIND, type Shape, type UnitLinear } from '../../core/manifest.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { SerialQueue } from '../../lib/queue.ts';
import type { Analysis } from '../checker/checker.ts';
import type { Kernel, PlacedWeights } from '../cpu/kernel/kernel.ts';
import { programOf } from '../cpu/planned-segments.ts';
import type { YieldFor } from '../cpu/pass.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { createExecutor, type Executor } from '../executor/executor.ts';
import { restrictModel } from '../executor/step/restrict.ts';
import type { StepEngine, StepOptions, StepRequest } from './stepper.ts';

/** Linears from one look at the event loop to the next: of 16 rows they take some milliseconds. */
const LINEARS_BETWEEN = 8;

/** What steps run on: the kernel of a backend, with the weights that its passes read. */
export interface StepParts {
  readonly model: Pick<ModelPackage, 'manifest' | 'tables'>;
  readonly kernel: Kernel;
  readonly weights: readonly PlacedWeights[];
  /** What is proven of each shape. */
  readonly shapes: Analysis['shapes'];
  readonly yieldToLoop: YieldFor;
  /** Steps and passes use the kernel's memory in turn. */
  readonly passes: SerialQueue;
}

/**
 * Opens the step of the shortest shape; those of others are opened when a conversation needs them.
 * @throws AppError MODEL_REFUSED where the model is no generator, or a shape has no step; DEVICE_MEMORY
 */
export async function createSteps(parts: StepParts, options: StepOptions): Promise<StepEngine> {
  if (parts.model.manifest.kind !== KIND.generator)
    throw new AppError('MODEL_REFUSED', 'only a generator makes an answer token by token');

  const steps = new Steps(parts, options);
  await steps.begin();
  return steps;
}

interface Open {
  length: number;
  /** Address of its caches. */
  readonly area: number;
}

/** A request with the place of its token. */
interface Placed extends StepRequest {
  readonly at: number;
  readonly bucket: Bucket;
  readonly area: number;
  /** Place among the requests. */
  readonly order: number;
}

/** The step of one shape. */
interface Bucket {
  readonly index: number;
  readonly shape: Shape;
  executor: Promise<Executor> | undefined;
}

class Steps implements StepEngine {
  readonly context: number;
  readonly #parts: StepParts;
  readonly #options: StepOptions;
  /** By length. */
  readonly #buckets: readonly Bucket[];
  readonly #open = new Map<number, Open>();
  /** Areas of conversations that were closed. */
  readonly #free: number[] = [];
  /** By the number of rows, which is at most `together`. */
  readonly #linears = new Map<number, readonly UnitLinear[]>();
  #next = 0;
  #conversationBytes = 0;
  #program: Uint8Array = new Uint8Array();

  constructor(parts: StepParts, options: StepOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#buckets = parts.model.manifest.shapes
      .map((shape, index): Bucket => ({ index, shape, executor: undefined }))
      .toSorted((a, b) => a.shape.tokens - b.shape.tokens);
    this.context = this.#buckets.at(-1)!.shape.tokens;
  }

  async begin(): Promise<void> {
    const executor = await this.#executorOf(this.#buckets[0]!);
    this.#conversationBytes = executor.cacheBytes;
    this.#program = programOf(executor);
  }

  get program(): Uint8Array {
    return this.#program;
  }

  get together(): number {
    return this.#options.together;
  }

  get conversations(): number {
    return this.#options.conversations;
  }

  get conversationBytes(): number {
    return this.#conversationBytes;
  }

  #executorOf(bucket: Bucket): Promise<Executor> {
    if (!bucket.executor) {
      const creating = this.#create(bucket);
      bucket.executor = creating;
      // Another try may find the memory that this one lacked.
      creating.catch(() => (bucket.executor = undefined));
    }
    return bucket.executor;
  }

  async #create({ index, shape }: Bucket): Promise<Executor> {
    const { kernel, shapes, model } = this.#parts;
    const { manifest, tables } = model;
    const size = { sequences: this.#options.together, room: this.context };
    const step = restrictModel(shape, shapes[index]!, size);
    const executor = await createExecutor({ manifest, tables, ...step }, kernel);
    if (!executor.covers.every(Boolean))
      throw new AppError('MODEL_REFUSED', `a step that is not covered: ${executor.report[0]}`);
    return executor;
  }

  open(): number {
    if (this.#open.size >= this.conversations)
      throw new AppError('BUSY', `${this.conversations} conversations are open`);

    // What a conversation before it left there are rows as good as zeros: nothing reads them.
    const area = this.#free.pop() ?? this.#parts.kernel.reserve(this.#conversationBytes);
    const conversation = this.#next++;
    this.#open.set(conversation, { length: 0, area });
    return conversation;
  }

  #conversation(conversation: number): Open {
    const found = this.#open.get(conversation);
    assert(found, `conversation ${conversation} is open`);
    return found;
  }

  length(conversation: number): number {
    return this.#conversation(conversation).length;
  }

  truncate(conversation: number, length: number): void {
    const found = this.#conversation(conversation);
    assert(length >= 0 && length <= found.length, `${length} of ${found.length} tokens`);
    found.length = length;
  }

  close(conversation: number): void {
    this.#free.push(this.#conversation(conversation).area);
    this.#open.delete(conversation);
  }

  /** Where each request's token goes. */
  #place(requests: readonly StepRequest[]): Placed[] {
    const lengths = new Map<number, number>();
    for (const { conversation } of requests)
      lengths.set(conversation, (lengths.get(conversation) ?? this.length(conversation)) + 1);
    for (const length of lengths.values())
      if (length > this.context)
        throw new AppError('CONTEXT_FULL', `${length} tokens, of at most ${this.context}`);

    const begun = new Map<number, number>();
    const placed = requests.map((request, order): Placed => {
      const { conversation } = request;
      const { area, length } = this.#conversation(conversation);
      const at = begun.get(conversation) ?? length;
      begun.set(conversation, at + 1);
      const all = lengths.get(conversation)!;
      const bucket = this.#buckets.find(({ shape }) => shape.tokens >= all)!;
      return { ...request, at, bucket, area, order };
    });
    // Each bucket's one after the other.
    return placed.toSorted((a, b) => a.bucket.shape.tokens - b.bucket.shape.tokens);
  }

  step(requests: readonly StepRequest[]): Promise<Int8Array> {
    return this.#parts.passes.run(() => this.#step(requests));
  }

  async #step(requests: readonly StepRequest[]): Promise<Int8Array> {
    const count = requests.length;
    const { together, onOperand } = this.#options;
    assert(count >= 1 && count <= together, `${count} tokens in a step`);
    const placed = this.#place(requests);
    const ranges = await this.#begin(placed);
    const order = placed.map((p) => p.order);
    const { model, kernel, weights, yieldToLoop } = this.#parts;
    const { manifest } = model;
    for (const [i, linear] of this.#linearsOf(count).entries()) {
      for (const { executor, from, until } of ranges) executor.run(i, until, from);
      onOperand?.(i + 1, kernel.activations(linear), order);
      kernel.multiplyAtOnce(linear, weights[i]!);
      if (i % LINEARS_BETWEEN === 0) await yieldToLoop(undefined);
    }
    const width = manifest.answerSize;
    const answer = new Int8Array(count * width);
    for (const { executor, from, until } of ranges) {
      executor.run(weights.length, until, from);
      const rows = executor.answer(until);
      for (let i = from; i < until; i++)
        answer.set(rows.subarray(i * width, (i + 1) * width), order[i]! * width);
    }
    for (const { conversation, at } of placed) this.#conversation(conversation).length = at + 1;
    return answer;
  }

  /** The linears for so many rows. */
  #linearsOf(m: number): readonly UnitLinear[] {
    const known = this.#linears.get(m);
    if (known) return known;
    const made = this.#parts.model.manifest.linears.map((l) => ({ ...l, m }));
    this.#linears.set(m, made);
    return made;
  }

  /** Gives each bucket the tokens. @returns the range of each */
  async #begin(
    placed: readonly Placed[],
  ): Promise<{ executor: Executor; from: number; until: number }[]> {
    const ranges = [];
    for (let from = 0; from < placed.length;) {
      const { bucket } = placed[from]!;
      const until = placed.findLastIndex((p) => p.bucket === bucket) + 1;
      ranges.push({ executor: await this.#executorOf(bucket), from, until });
      from = until;
    }
    const tokens = Uint32Array.from(placed, ({ token }) => token);
    for (const { executor } of ranges) {
      executor.begin(tokens);
      executor.place(
        placed.map(({ at }) => at),
        placed.map(({ area }) => area),
      );
    }
    return ranges;
  }
}
