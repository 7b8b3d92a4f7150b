/** The executor of the CPU as an oracle, in a kernel's memory that is poisoned before each run. */
import { carryBytes, unitLinears, unitShape, type Carry } from '../../src/core/manifest.ts';
import { createKernel, type Kernel } from '../../src/miner/cpu/kernel/kernel.ts';
import { createExecutor, type Executor } from '../../src/miner/executor/executor.ts';
import { firstOf, sequencesOf, type Oracle, type Run, type Tried } from './oracles.ts';
import type { Outputs } from './session.ts';

/** A float32 of 12345: no row's maximum, no index, and as int16 or int32 far from any result. */
const POISON = 0x4640e400;
/** Bytes behind what is reserved, which nobody may write. */
const GUARD_BYTES = 256;
/** Bytes behind A and C. */
const BEHIND = 64;

/** What an executor asks a kernel for; whatever it did not write when it was made can be poisoned again. */
class PoisonedKernel {
  readonly memory: WebAssembly.Memory;
  readonly primitives: Kernel['primitives'];
  readonly place: Kernel['place'];
  readonly #kernel: Kernel;
  readonly #regions: { at: number; bytes: number }[] = [];
  /** First and one past the last word of each run that nobody wrote. */
  #unwritten: [number, number][] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.memory = kernel.memory;
    this.primitives = kernel.primitives;
    this.place = (name) => kernel.place(name);
  }

  get #words(): Uint32Array {
    return new Uint32Array(this.memory.buffer);
  }

  reserve(bytes: number): number {
    const at = this.#kernel.reserve(bytes + GUARD_BYTES);
    this.#regions.push({ at, bytes });
    this.#words.fill(POISON, at / 4, Math.ceil((at + bytes + GUARD_BYTES) / 4));
    return at;
  }

  /** The executor is made: what it wrote by now are its constants. */
  settle(): void {
    const words = this.#words;
    for (const { at, bytes } of this.#regions) {
      const end = Math.ceil((at + bytes) / 4);
      for (let from = at / 4; from < end; from++) {
        let to = from;
        while (to < end && words[to] === POISON) to++;
        if (to > from) this.#unwritten.push([from, to]);
        from = to;
      }
    }
  }

  /** @param a bytes of A @param c bytes of C */
  poison(a: number, c: number): void {
    const words = this.#words;
    for (const [from, to] of this.#unwritten) words.fill(POISON, from, to);
    for (const [name, bytes] of [
      ['a', a],
      ['c', c],
    ] as const) {
      const from = this.place(name) / 4;
      words.fill(POISON, from, from + Math.ceil((bytes + BEHIND) / 4));
    }
  }

  /** Whether somebody wrote behind what is reserved. */
  get isOverrun(): boolean {
    const words = this.#words;
    return this.#regions.some(({ at, bytes }) => {
      const from = Math.ceil((at + bytes) / 4);
      return words.subarray(from, from + GUARD_BYTES / 4 - 1).some((word) => word !== POISON);
    });
  }
}

interface Running {
  readonly tried: Tried;
  readonly executor: Executor;
  readonly memory: PoisonedKernel;
  readonly sequences: number;
}

function entriesOf({ tried, executor, memory }: Running, carry: Carry) {
  const { sequences } = unitShape(tried.model.manifest);
  const { at } = executor.carry(carry.name);
  const Entries = carryBytes(carry) === 2 ? Int16Array : Int32Array;
  return new Entries(memory.memory.buffer, at, sequences * carry.size);
}

function load(running: Running, inputs: Tried['inputs'][number]): void {
  const { tried, executor, memory, sequences } = running;
  const { tokens: length, carries } = unitShape(tried.model.manifest);
  const first = (data: Float64Array): Float64Array => firstOf(tried, data, sequences);
  const tokens = inputs.get('tokens');
  executor.begin(tokens ? Uint32Array.from(first(tokens)) : new Uint32Array(sequences * length));
  const c = inputs.get(`c${tried.segment}`);
  if (c) new Int32Array(memory.memory.buffer, memory.place('c'), c.length).set(first(c));
  for (const carry of carries) {
    const data = inputs.get(carry.name);
    if (data) entriesOf(running, carry).set(first(data));
  }
}

function outputsOf(running: Running): Outputs {
  const { tried, executor, memory, sequences } = running;
  const { linears, shapes } = tried.model.manifest;
  const part = sequences / shapes[0]!.sequences;
  const outputs = tried.graph.outputs.map(({ name, dims }) => {
    const count = dims.reduce((p, d) => p * d, 1) * part;
    if (name === 'answer') return [name, executor.answer(sequences)];
    if (linears[tried.segment] && name === `a${tried.segment + 1}`)
      return [name, new Int8Array(memory.memory.buffer, memory.place('a'), count).slice()];
    const carry = shapes[0]!.carries.find((each) => each.name === name)!;
    return [name, entriesOf(running, carry).slice(0, count)];
  });
  return Object.fromEntries(outputs) as Outputs;
}

export const executorCpu: Oracle = {
  name: 'executor',
  async run(tried) {
    const { manifest, tables } = tried.model;
    const shape = unitShape(manifest);
    const rows = shape.sequences * shape.tokens;
    const memory = new PoisonedKernel(await createKernel(unitLinears(manifest)));
    const facts = tried.analysis.shapes[0]!;
    const executor = await createExecutor({ manifest, shape, facts, tables }, memory);
    if (!executor.covers[tried.segment])
      return executor.report.find((line) => line.startsWith(`segment ${tried.segment}:`)) ?? '';
    memory.settle();
    const aBytes = rows * (manifest.linears[tried.segment]?.k ?? 0);
    const cBytes = 4 * rows * (manifest.linears[tried.segment - 1]?.n ?? 0);
    return tried.inputs.map((inputs, i): Run => {
      const sequences = sequencesOf(tried, i);
      const running = { tried, executor, memory, sequences };
      memory.poison(aBytes, cBytes);
      load(running, inputs);
      executor.run(tried.segment, sequences);
      if (memory.isOverrun) throw new Error('writes behind its memory');
      return { outputs: outputsOf(running), sequences };
    });
  },
};
