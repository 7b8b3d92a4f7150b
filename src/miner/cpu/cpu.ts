/**
 * The CPU backend: ONNX Runtime's wasm provider for the segments, our own WebAssembly kernels for the
 * linears. Runs in browser workers and in Node alike; it is also what re-checks other backends' wins.
 */
import { Tensor } from 'onnxruntime-web/webgpu';
import { plainHash, ZERO_HASH } from '../../core/hash.ts';
import {
  carriesAt,
  carryBytes,
  unitLinears,
  unitShape,
  type UnitLinear,
} from '../../core/manifest.ts';
import type { StepInput } from '../../core/pow/known.ts';
import { carriesHash, layerSeed, stateHash } from '../../core/pow/seed.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../engine/backend.ts';
import { firstInputs } from '../engine/inputs.ts';
import { createKernel, type Kernel } from './kernel/kernel.ts';
import { createSegmentChain, type Feeds, type SegmentChain } from '../engine/segments.ts';
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
  const shape = unitShape(model.manifest);
  const carryMax = Math.max(
    0,
    ...shape.carries.map((carry) => shape.sequences * carry.size * carryBytes(carry)),
  );
  const kernel = await createKernel(unitLinears(model.manifest), carryMax, lap);
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
    step: (input) =>
      passes.run(() => new Pass({ model, kernel, chain, yieldToLoop, lap }, PLAIN).step(input)),
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

/** What a step is run as: no noise, no tickets. */
const PLAIN: PassInput = { tokens: new Uint32Array(), sigma0: undefined, limits: [] };

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
  readonly #linears: readonly UnitLinear[];
  readonly #x: Uint8Array[] = [];
  readonly #a: Uint8Array[] = [];
  readonly #y: Uint8Array[] = [];
  /** Hashes of the carries that are there, by name. */
  readonly #carries = new Map<string, Uint8Array>();
  readonly #t: Uint8Array[] = [];
  #sigma: Uint8Array | undefined;
  #winner: PassResult['winner'];
  #captured: Int8Array | undefined;

  constructor({ model, kernel, chain, yieldToLoop, lap }: Parts, input: PassInput) {
    this.#model = model;
    this.#linears = unitLinears(model.manifest);
    this.#lap = lap;
    this.#kernel = kernel;
    this.#chain = chain;
    this.#input = input;
    this.#yieldToLoop = () => yieldToLoop(input.signal);
    this.#sigma = input.sigma0;
  }

  async run(): Promise<PassResult> {
    const count = this.#linears.length;
    const last = this.#input.stopAfter ?? count;
    assert(last >= 1 && last <= count, `stopAfter ${last}`);
    try {
      await this.#yieldToLoop();
      this.#lap();
      let tensor = await this.#segment(0, this.#first(this.#input.tokens));
      for (let number = 1; number <= last; number++) {
        await this.#linear(number, tensor);
        if (number === last && this.#input.stopAfter !== undefined) break;
        tensor = await this.#segment(number, this.#product(number));
        await this.#yieldToLoop();
      }
      return this.#result(this.#input.stopAfter === undefined ? tensor : undefined);
    } finally {
      this.#chain.reset();
    }
  }

  /** One step alone. */
  async step(input: StepInput): Promise<Uint8Array> {
    const count = this.#linears.length;
    const { number } = input;
    assert(number >= 1 && number <= count + 1, `step ${number}`);
    try {
      this.#lap();
      const inputs = 'a' in input ? await this.#begin(input) : this.#first(input.tokens);
      const tensor = await this.#segment(number - 1, inputs);
      if (number > count) {
        const { answer } = this.#result(tensor);
        return plainHash(new Uint8Array(answer.buffer));
      }
      this.#hashState(number, tensor);
      return this.#x[0]!;
    } finally {
      this.#chain.reset();
    }
  }

  /** Sets what a step starts from. @returns the inputs of its segment */
  async #begin({ number, a, carries }: Exclude<StepInput, { number: 1 }>): Promise<Feeds> {
    for (const [name, values] of carries) {
      const tensor = new Tensor(
        'float32',
        Float32Array.from(values),
        this.#chain.dimensionsOf(name),
      );
      this.#chain.lend(name, tensor);
      this.#hashCarry(name);
    }
    const before = number - 1;
    this.#kernel.loadOperand(a);
    await this.#kernel.multiply(
      this.#linears[before - 1]!,
      this.#model.weights[before - 1]!,
      this.#yieldToLoop,
    );
    return this.#product(before);
  }

  #first(tokens: Uint32Array): Feeds {
    return Object.fromEntries(
      firstInputs(this.#model, tokens).map(({ name, data, dims }) => [
        name,
        new Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, dims),
      ]),
    );
  }

  /** Runs a segment, and hashes the carries that it makes. */
  async #segment(index: number, inputs: Feeds): Promise<Tensor> {
    const tensor = await this.#chain.run(index, inputs);
    this.#lap('segments');
    for (const { name, made } of unitShape(this.#model.manifest).carries)
      if (made === index) this.#hashCarry(name);
    this.#lap('hash');
    return tensor;
  }

  #hashCarry(name: string): void {
    const carry = unitShape(this.#model.manifest).carries.find((each) => each.name === name)!;
    const values = this.#chain.carry(name).data as Float32Array;
    this.#carries.set(name, this.#kernel.hashCarry(values, carryBytes(carry)));
  }

  async #linear(number: number, activations: Tensor): Promise<void> {
    this.#hashState(number, activations);
    if (this.#input.capture === number)
      this.#captured = this.#kernel.activations(this.#linears[number - 1]!);
    await this.#multiply(number);
  }

  /** Loads A of a linear; a, y and x of it. */
  #hashState(number: number, activations: Tensor): void {
    const l = this.#linears[number - 1]!;
    const values = activations.data as Float32Array;
    if (values.length !== l.m * l.k || !this.#kernel.loadActivations(l, values))
      throw new AppError('MODEL_REFUSED', `a${number} is not ${l.m}×${l.k} int7 values`);
    activations.dispose();
    this.#lap('convert');
    const a = this.#kernel.hashActivations(l);
    const alive = carriesAt(unitShape(this.#model.manifest), number);
    const y = carriesHash(alive.map(({ name }) => this.#carries.get(name)!));
    this.#a.push(a);
    this.#y.push(y);
    this.#x.push(stateHash(a, y));
    this.#lap('hash');
  }

  async #multiply(number: number): Promise<void> {
    const l = this.#linears[number - 1]!;
    const b = this.#model.weights[number - 1]!;
    if (!this.#sigma) return this.#kernel.multiply(l, b, this.#yieldToLoop);
    const tBefore = this.#t.at(-1) ?? ZERO_HASH;
    this.#sigma = layerSeed(this.#sigma, tBefore, this.#x.at(-1)!, l.weights, number);
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

  #product(number: number): Feeds {
    const l = this.#linears[number - 1]!;
    const product = this.#kernel.product(l);
    this.#lap('convert');
    return { [`c${number}`]: new Tensor('float32', product, [l.m, l.n]) };
  }

  #result(answer: Tensor | undefined): PassResult {
    const { answerSize } = this.#model.manifest;
    const { sequences } = unitShape(this.#model.manifest);
    const rows = Int8Array.from((answer?.data as Float32Array | undefined) ?? []);
    if (answer && rows.length !== sequences * answerSize)
      throw new AppError('MODEL_REFUSED', `${rows.length} answer values`);
    return {
      x: this.#x,
      a: this.#a,
      y: this.#y,
      t: this.#t,
      winner: this.#winner,
      answer: rows,
      captured: this.#captured,
    };
  }
}

/** First of the 32-byte tickets at or below the limit, as big-endian numbers; −1 when none is, or the limit is 0. */
function firstWinner(tickets: Uint8Array, limit: bigint): number {
  if (!limit) return -1;
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
