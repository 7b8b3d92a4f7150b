/**
 * The CPU backend: ONNX Runtime's wasm provider for the segments, our own WebAssembly kernels for the
 * linears. Runs in browser workers and in Node alike; it is also what re-checks other backends' wins.
 */
import { Tensor } from 'onnxruntime-web/webgpu';
import { ZERO_HASH } from '../../core/hash.ts';
import { layerSeed } from '../../core/pow/seed.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../engine/backend.ts';
import { createKernel, type Kernel } from './kernel/kernel.ts';
import { createSegmentChain, type SegmentChain } from '../engine/segments.ts';
import { createLap, type Clock, type Lap, type OnStage } from '../engine/stages.ts';

/** Passes that may wait: the unit in work, its re-check, and replays of other people's blocks. */
const WAITING_MAX = 64;
/** ms after which a pass lets the event loop run, because an abort may wait there. */
const YIELD_MS = 8;

/**
 * `onStage` is called with the time that each stretch of each stage took, by `clock` (default: wall time).
 * @throws AppError MODEL_REFUSED, DEVICE_MEMORY
 */
export async function createCpuBackend(
  model: ModelPackage,
  onStage?: OnStage,
  clock?: Clock,
): Promise<Backend> {
  const lap = createLap(onStage, clock);
  const kernel = await createKernel(model.manifest.linears, lap);
  const chain = await createSegmentChain(model.segments, { provider: 'wasm' });
  const passes = new SerialQueue(WAITING_MAX);
  const yieldToLoop = createYield();
  return {
    kind: 'cpu',
    device: 'WebAssembly SIMD, one thread',
    kernel: 'wasm',
    depth: 1,
    memoryBytes: () => kernel.memoryBytes,
    pass: (input) =>
      passes.run(() => new Pass({ model, kernel, chain, yieldToLoop, lap }, input).run()),
    lost: new Promise(() => {}),
    close: () => passes.run(() => chain.close()),
  };
}

/** Lets the event loop deliver messages; a timer would wait 4 ms, and a promise alone delivers none. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

type YieldFor = (signal: AbortSignal | undefined) => Promise<void>;

/** One for all passes, so that many short passes in a row also let the event loop run. */
function createYield(): YieldFor {
  let yieldedAt = performance.now();
  return async (signal) => {
    if (performance.now() - yieldedAt > YIELD_MS) {
      await nextTask();
      yieldedAt = performance.now();
    }
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'the pass was aborted');
  };
}

interface Parts {
  readonly model: ModelPackage;
  readonly kernel: Kernel;
  readonly chain: SegmentChain;
  readonly yieldToLoop: YieldFor;
  readonly lap: Lap;
}

class Pass {
  readonly #model: ModelPackage;
  readonly #kernel: Kernel;
  readonly #chain: SegmentChain;
  readonly #lap: Lap;
  readonly #input: PassInput;
  /** @throws PASS_ABORTED */
  readonly #yieldToLoop: () => Promise<void>;
  readonly #a: Uint8Array[] = [];
  readonly #t: Uint8Array[] = [];
  #sigma: Uint8Array | undefined;
  #winner: PassResult['winner'];
  #captured: Int8Array | undefined;

  constructor({ model, kernel, chain, yieldToLoop, lap }: Parts, input: PassInput) {
    this.#model = model;
    this.#lap = lap;
    this.#kernel = kernel;
    this.#chain = chain;
    this.#input = input;
    this.#yieldToLoop = () => yieldToLoop(input.signal);
    this.#sigma = input.sigma0;
  }

  async run(): Promise<PassResult> {
    const { linears } = this.#model.manifest;
    const last = this.#input.stopAfter ?? linears.length;
    assert(last >= 1 && last <= linears.length, `stopAfter ${last}`);
    try {
      await this.#yieldToLoop();
      this.#lap();
      let tensor = await this.#chain.run(0, this.#tokens());
      this.#lap('segments');
      for (let number = 1; number <= last; number++) {
        await this.#linear(number, tensor);
        if (number === last && this.#input.stopAfter !== undefined) break;
        tensor = await this.#chain.run(number, this.#product(number));
        this.#lap('segments');
        await this.#yieldToLoop();
      }
      return this.#result(this.#input.stopAfter === undefined ? tensor : undefined);
    } finally {
      this.#chain.reset();
    }
  }

  #tokens(): Tensor {
    const { sequences, tokens } = this.#model.manifest;
    assert(this.#input.tokens.length === sequences * tokens, 'a unit has B·S tokens');
    return new Tensor('int32', Int32Array.from(this.#input.tokens), [sequences, tokens]);
  }

  async #linear(number: number, activations: Tensor): Promise<void> {
    const l = this.#model.manifest.linears[number - 1]!;
    const values = activations.data as Float32Array;
    if (values.length !== l.m * l.k || !this.#kernel.loadActivations(l, values))
      throw new AppError('MODEL_REFUSED', `a${number} is not ${l.m}×${l.k} int7 values`);
    activations.dispose();
    this.#lap('convert');
    this.#a.push(this.#kernel.hashActivations(l));
    if (this.#input.capture === number) this.#captured = this.#kernel.activations(l);
    this.#lap('hash');
    await this.#multiply(number);
  }

  async #multiply(number: number): Promise<void> {
    const { manifest, weights } = this.#model;
    const l = manifest.linears[number - 1]!;
    const b = weights[number - 1]!;
    if (!this.#sigma) return this.#kernel.multiply(l, b, this.#yieldToLoop);
    const tBefore = this.#t.at(-1) ?? ZERO_HASH;
    this.#sigma = layerSeed(this.#sigma, tBefore, this.#a.at(-1)!, l.weights, number);
    const made = await this.#kernel.multiplyNoisy(
      l,
      b,
      { sigma: this.#sigma, number },
      this.#yieldToLoop,
    );
    this.#t.push(made.t);
    const tile = this.#winner ? -1 : firstWinner(made.tickets, this.#input.limits[number - 1]!);
    if (tile >= 0) this.#winner = { linear: number, tile };
    this.#lap('tickets');
  }

  #product(number: number): Tensor {
    const l = this.#model.manifest.linears[number - 1]!;
    const product = this.#kernel.product(l);
    this.#lap('convert');
    return new Tensor('float32', product, [l.m, l.n]);
  }

  #result(answer: Tensor | undefined): PassResult {
    const { sequences, answerSize } = this.#model.manifest;
    const rows = Int8Array.from((answer?.data as Float32Array | undefined) ?? []);
    if (answer && rows.length !== sequences * answerSize)
      throw new AppError('MODEL_REFUSED', `${rows.length} answer values`);
    return {
      a: this.#a,
      t: this.#t,
      winner: this.#winner,
      answer: rows,
      captured: this.#captured,
    };
  }
}

/** First of the 32-byte tickets at or below the limit, as big-endian numbers; −1 when none is. */
function firstWinner(tickets: Uint8Array, limit: bigint): number {
  const bound = Uint8Array.from({ length: 32 }, (_, i) =>
    Number((limit >> BigInt(8 * (31 - i))) & 0xffn),
  );
  for (let at = 0; at < tickets.length; at += 32) {
    let i = 0;
    while (i < 32 && tickets[at + i] === bound[i]) i++;
    if (i === 32 || tickets[at + i]! < bound[i]!) return at / 32;
  }
  return -1;
}
