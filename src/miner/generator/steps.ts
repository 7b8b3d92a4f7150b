/**
 * Conversations of a language model, token by token: each has caches of its own, and a step adds tokens to any of
 * them at once, so that the weights are read once for all. What a step gives is what a pass over the whole text gives
 * (executor/step): operands and answer, bit for bit.
 *
 * Each shape of the manifest has its step, and a token takes that of the shortest that holds it and those before it:
 * whatever a package says of its shapes, what a conversation gives does not depend on what else a step has. Caches lie
 * alike in all of them, in pages that a conversation gets as it grows, so that nothing moves when it goes on to the next.
 */
import { KIND, type Manifest, type Shape, type UnitLinear } from '../../core/manifest.ts';
import { concat } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { SerialQueue } from '../../lib/queue.ts';
import type { Analysis } from '../checker/checker.ts';
import type { Kernel, PlacedWeights } from '../cpu/kernel/kernel.ts';
import { KERNEL_PROGRAM } from '../cpu/kernel/modules.ts';
import { programOf } from '../cpu/planned-segments.ts';
import type { YieldFor } from '../cpu/yield.ts';
import { createExecutor, type Executor } from '../executor/executor.ts';
import type { ExecutorTable } from '../executor/memory.ts';
import { restrictModel } from '../executor/step/restrict.ts';
import { shareWeights, type SharedModel } from '../executor/step/share.ts';
import {
  STEP_ROWS_MAX,
  TOGETHER_MAX,
  type StepEngine,
  type StepOptions,
  type StepRequest,
} from './stepper.ts';

/** Products from one look at the event loop to the next: of 16 rows they take some milliseconds. */
const PRODUCTS_BETWEEN = 8;
/** Tokens of a page of caches at most: those of SmolLM2 have 4.4 MB. */
const PAGE_TOKENS_MAX = 256;

/** What steps run on: the kernel of a backend, with the weights that its passes read. */
export interface StepParts {
  readonly manifest: Manifest;
  readonly tables: readonly ExecutorTable[];
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
  if (parts.manifest.kind !== KIND.generator)
    throw new AppError('MODEL_REFUSED', 'only a generator makes an answer token by token');
  assert(options.together <= TOGETHER_MAX, 'the kernel has rows for a step');

  const steps = new Steps(parts, options);
  await steps.begin();
  return steps;
}

interface Open {
  length: number;
  /** Addresses of its caches' pages. */
  readonly pages: number[];
}

/** A request with the place of its token. */
interface Placed extends StepRequest {
  readonly at: number;
  readonly bucket: Bucket;
  readonly pages: readonly number[];
  /** Place among the requests. */
  readonly order: number;
}

/** One product of the linears `of` (from 0), which have the same weights, with the rows of all requests. */
interface Product {
  readonly linear: UnitLinear;
  readonly of: readonly number[];
}

/** The step of one shape. */
interface Bucket {
  readonly index: number;
  readonly shape: Shape;
  executor: Promise<Executor> | undefined;
}

/**
 * What all steps must agree on: which linears are multiplied at once; and of each cache how it lies, and its bounds,
 * since one reads what another wrote.
 */
const accordOf = ({ plan }: Executor, products: SharedModel['products']): string =>
  JSON.stringify([
    products,
    plan.buffers.flatMap(({ role, storage, size }) =>
      role.kind === 'cache' ? [[storage, size, role.low, role.high]] : [],
    ),
  ]);

class Steps implements StepEngine {
  readonly context: number;
  readonly #parts: StepParts;
  readonly #options: StepOptions;
  /** By length. */
  readonly #buckets: readonly Bucket[];
  readonly #open = new Map<number, Open>();
  /** Pages that no conversation has any more. */
  readonly #free: number[] = [];
  readonly #pageTokens: number;
  /** By the number of requests, which is at most `together`. */
  readonly #products = new Map<number, readonly Product[]>();
  #next = 0;
  #pageBytes = 0;
  #program: Uint8Array = new Uint8Array();
  /** Of the step that was opened first. */
  #accord: string | undefined;
  #shared: SharedModel['products'] = [];

  constructor(parts: StepParts, options: StepOptions) {
    this.#parts = { ...parts, kernel: parts.kernel.forRows(STEP_ROWS_MAX) };
    this.#options = options;
    this.#buckets = parts.manifest.shapes
      .map((shape, index): Bucket => ({ index, shape, executor: undefined }))
      .toSorted((a, b) => a.shape.tokens - b.shape.tokens);
    this.context = this.#buckets.at(-1)!.shape.tokens;
    this.#pageTokens = Math.min(PAGE_TOKENS_MAX, this.#buckets[0]!.shape.tokens);
  }

  async begin(): Promise<void> {
    const executor = await this.#executorOf(this.#buckets[0]!);
    this.#pageBytes = executor.pageBytes;
    this.#program = concat(programOf(executor), KERNEL_PROGRAM);
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

  #executorOf(bucket: Bucket): Promise<Executor> {
    if (!bucket.executor) {
      const creating = this.#create(bucket);
      bucket.executor = creating;
      // Another try may find the memory that this one lacked; what is refused stays so.
      creating.catch((e: unknown) => {
        if (AppError.from(e).code !== 'MODEL_REFUSED') bucket.executor = undefined;
      });
    }
    return bucket.executor;
  }

  async #create({ index, shape }: Bucket): Promise<Executor> {
    const { kernel, shapes, manifest, tables } = this.#parts;
    const size = { sequences: this.#options.together, room: this.context };
    const restricted = restrictModel(shape, shapes[index]!, size);
    const { products, ...step } = shareWeights(restricted, manifest.linears);
    const input = { manifest, tables, ...step, isWhole: true, pageTokens: this.#pageTokens };
    const executor = await createExecutor(input, kernel);
    const accord = accordOf(executor, products);
    if (this.#accord === undefined) [this.#accord, this.#shared] = [accord, products];
    if (accord !== this.#accord)
      throw new AppError('MODEL_REFUSED', `the step of ${shape.tokens} tokens lies otherwise`);
    return executor;
  }

  open(): number {
    if (this.#open.size >= this.conversations)
      throw new AppError('BUSY', `${this.conversations} conversations are open`);

    const conversation = this.#next++;
    const open: Open = { length: 0, pages: [] };
    this.#fit(open, 1);
    this.#open.set(conversation, open);
    return conversation;
  }

  /** As many pages as hold that many tokens. @throws AppError DEVICE_MEMORY */
  #fit({ pages }: Open, tokens: number): void {
    const count = Math.ceil(tokens / this.#pageTokens);
    if (pages.length > count) this.#free.push(...pages.splice(count));
    // What a conversation before it left there are rows as good as zeros: nothing reads them.
    while (pages.length < count)
      pages.push(this.#free.pop() ?? this.#parts.kernel.reserve(this.#pageBytes));
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
    this.#fit(found, length);
  }

  close(conversation: number): void {
    this.#fit(this.#conversation(conversation), 0);
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
    for (const [conversation, length] of lengths)
      this.#fit(this.#conversation(conversation), length);

    const begun = new Map<number, number>();
    const placed = requests.map((request, order): Placed => {
      const { conversation } = request;
      const { pages, length } = this.#conversation(conversation);
      const at = begun.get(conversation) ?? length;
      begun.set(conversation, at + 1);
      const bucket = this.#buckets.find(({ shape }) => shape.tokens > at)!;
      return { ...request, at, bucket, pages, order };
    });
    // Each bucket's one after the other.
    return placed.toSorted((a, b) => a.bucket.shape.tokens - b.bucket.shape.tokens);
  }

  step(requests: readonly StepRequest[]): Promise<Int8Array> {
    return this.#parts.passes.run(() => this.#step(requests));
  }

  async #step(requests: readonly StepRequest[]): Promise<Int8Array> {
    const count = requests.length;
    const { together } = this.#options;
    assert(count >= 1 && count <= together, `${count} tokens in a step`);
    const placed = this.#place(requests);
    const ranges = await this.#begin(placed);
    const order = placed.map((p) => p.order);
    const { manifest, kernel, weights, yieldToLoop } = this.#parts;
    const products = this.#productsOf(count);
    for (const [i, product] of products.entries()) {
      for (const { executor, from, until } of ranges) executor.run(i, until, from);
      this.#tell(product, order);
      kernel.multiplyAtOnce(product.linear, weights[product.of[0]!]!);
      if (i % PRODUCTS_BETWEEN === 0) await yieldToLoop(undefined);
    }
    const width = manifest.answerSize;
    const answer = new Int8Array(count * width);
    for (const { executor, from, until } of ranges) {
      executor.run(products.length, until, from);
      const rows = executor.answer(until);
      for (let i = from; i < until; i++)
        answer.set(rows.subarray(i * width, (i + 1) * width), order[i]! * width);
    }
    for (const { conversation, at } of placed) this.#conversation(conversation).length = at + 1;
    return answer;
  }

  /** The products of so many requests. */
  #productsOf(count: number): readonly Product[] {
    const known = this.#products.get(count);
    if (known) return known;
    const { linears } = this.#parts.manifest;
    const made = this.#shared.map((of): Product => {
      const all = of.map((i) => linears[i]!);
      const low = Math.min(...all.map((l) => l.low));
      const high = Math.max(...all.map((l) => l.high));
      return { linear: { ...all[0]!, m: count * of.length, low, high }, of };
    });
    this.#products.set(count, made);
    return made;
  }

  /** Gives whoever checks the operands of each linear of a product. */
  #tell({ linear, of }: Product, order: readonly number[]): void {
    const { onOperand } = this.#options;
    if (!onOperand) return;
    const { k } = linear;
    const all = this.#parts.kernel.activations(linear);
    for (const [j, index] of of.entries()) {
      const rows = new Int8Array(order.length * k);
      for (const i of order.keys()) {
        const at = (i * of.length + j) * k;
        rows.set(all.subarray(at, at + k), i * k);
      }
      onOperand(index + 1, rows, order);
    }
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
        placed.map(({ pages }) => pages),
      );
    }
    return ranges;
  }
}
