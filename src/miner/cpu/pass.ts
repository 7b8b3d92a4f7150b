/** One pass on the CPU, or one step of it. Passes of a backend never overlap: they share the kernel's memory. */
import { plainHash, ZERO_HASH } from '../../core/hash.ts';
import {
  answerBytes,
  carriesAt,
  unitShape,
  type Carry,
  type Shape,
  type UnitLinear,
} from '../../core/manifest.ts';
import type { StepInput } from '../../core/pow/known.ts';
import { carriesHash, layerSeed, stateHash } from '../../core/pow/seed.ts';
import { assert } from '../../lib/errors.ts';
import type { PassInput, PassResult } from '../engine/backend.ts';
import type { Lap } from '../engine/stages.ts';
import type { Kernel, PlacedWeights } from './kernel/kernel.ts';
import { carryEntries, type CpuSegments, type SegmentParts } from './segments.ts';
import type { YieldFor } from './yield.ts';

/** What passes of one shape run on. */
export interface PassParts extends Pick<SegmentParts, 'model' | 'kernel'> {
  readonly shape: Shape;
  readonly segments: CpuSegments;
  /** Of linears 1..L. */
  readonly weights: readonly PlacedWeights[];
  readonly yieldToLoop: YieldFor;
  readonly lap: Lap;
}

/** One pass, as `Backend.pass`. */
export function runPass(parts: PassParts, input: PassInput): Promise<PassResult> {
  const { shape, model } = parts;
  const isWhole = input.tokens.length === shape.sequences * shape.tokens;
  const isUnit = isWhole && shape === unitShape(model.manifest);
  assert(isUnit || !input.sigma0, 'noise is for whole units');
  return new Pass(parts, input, isUnit && !input.answerOnly).run();
}

/** One step alone, as `Backend.step`: a plain pass that begins in the middle. */
export function runStep(parts: PassParts, input: StepInput): Promise<Uint8Array> {
  const { sequences, tokens } = parts.shape;
  const none = { tokens: new Uint32Array(sequences * tokens), sigma0: undefined, limits: [] };
  return new Pass(parts, none, true).step(input);
}

class Pass {
  readonly #parts: PassParts;
  readonly #model: SegmentParts['model'];
  readonly #kernel: Kernel;
  readonly #segments: CpuSegments;
  readonly #lap: Lap;
  readonly #input: PassInput;
  /** @throws PASS_ABORTED */
  readonly #yieldToLoop: () => Promise<void>;
  /** Sequences that are asked for, and that are computed. */
  readonly #wanted: number;
  readonly #sequences: number;
  /** Whether states are hashed: those of a whole unit, or of a step. */
  readonly #isHashed: boolean;
  readonly #linears: readonly UnitLinear[];
  /** Rows of linears that are multiplied. */
  readonly #rows: number;
  readonly #x: Uint8Array[] = [];
  readonly #a: Uint8Array[] = [];
  readonly #y: Uint8Array[] = [];
  /** Hashes of the carries that are there, by name. */
  readonly #carries = new Map<string, Uint8Array>();
  readonly #t: Uint8Array[] = [];
  #sigma: Uint8Array | undefined;
  #winner: PassResult['winner'];
  #captured: Int8Array | undefined;
  #capturedCarries: PassResult['carries'];

  constructor(parts: PassParts, input: PassInput, isHashed: boolean) {
    const { model, shape, kernel, segments, yieldToLoop, lap } = parts;
    this.#parts = parts;
    this.#model = model;
    this.#kernel = kernel;
    this.#segments = segments;
    this.#lap = lap;
    this.#input = input;
    this.#yieldToLoop = () => yieldToLoop(input.signal);
    this.#sigma = input.sigma0;
    this.#wanted = input.tokens.length / shape.tokens;
    const isCount = Number.isInteger(this.#wanted) && this.#wanted >= 1;
    assert(isCount && this.#wanted <= shape.sequences, `${input.tokens.length} tokens`);
    this.#sequences = segments.usesRuntime ? shape.sequences : this.#wanted;
    this.#isHashed = isHashed;
    const m = this.#sequences * shape.tokens;
    this.#linears = model.manifest.linears.map((l) => ({ ...l, m }));
    const { rows = m } = input;
    const isPart = input.answerOnly && this.#wanted === 1 && rows >= 1 && rows <= m;
    assert(input.rows === undefined || isPart, `${rows} rows`);
    this.#rows = rows;
  }

  async run(): Promise<PassResult> {
    const count = this.#linears.length;
    const last = this.#input.stopAfter ?? count;
    assert(last >= 1 && last <= count, `stopAfter ${last}`);
    try {
      await this.#yieldToLoop();
      this.#lap();
      this.#segments.begin(this.#padded(this.#input.tokens));
      await this.#segment(0);
      for (let number = 1; number <= last; number++) {
        await this.#linear(number);
        if (number === last && this.#input.stopAfter !== undefined) break;
        await this.#segment(number);
        await this.#yieldToLoop();
      }
      return this.#result(this.#input.stopAfter === undefined);
    } finally {
      this.#segments.reset();
    }
  }

  async step(input: StepInput): Promise<Uint8Array> {
    const count = this.#linears.length;
    const { number } = input;
    assert(number >= 1 && number <= count + 1, `step ${number}`);
    try {
      this.#lap();
      this.#segments.begin('a' in input ? this.#input.tokens : input.tokens);
      if ('a' in input) await this.#load(input);
      await this.#segment(number - 1);
      if (number > count) return plainHash(new Uint8Array(this.#answer().buffer));
      return this.#hashState(number).x;
    } finally {
      this.#segments.reset();
    }
  }

  /** Sets what a step starts from. */
  async #load({ number, a, carries }: Exclude<StepInput, { number: 1 }>): Promise<void> {
    for (const carry of this.#parts.shape.carries) {
      const values = carries.get(carry.name);
      if (!values) continue;
      this.#entriesOf(carry).set(values);
      this.#hashCarry(carry);
    }
    const before = number - 1;
    this.#kernel.loadOperand(a);
    await this.#kernel.multiply(
      this.#linears[before - 1]!,
      this.#parts.weights[before - 1]!,
      this.#yieldToLoop,
    );
  }

  /** Filled up with padding where whole batches only are taken. */
  #padded(tokens: Uint32Array): Uint32Array {
    const whole = new Uint32Array(this.#sequences * this.#parts.shape.tokens);
    whole.set(tokens);
    return whole;
  }

  /** Runs a segment, and hashes the carries that it makes where a step or a unit needs them. */
  async #segment(index: number): Promise<void> {
    await this.#segments.run(index);
    this.#lap('segments');
    if (!this.#isHashed) return;
    for (const carry of this.#parts.shape.carries) if (carry.made === index) this.#hashCarry(carry);
    this.#lap('hash');
  }

  #entriesOf(carry: Carry): ReturnType<typeof carryEntries> {
    const place = this.#segments.carry(carry.name);
    return carryEntries(this.#kernel.memory, place, carry, this.#sequences);
  }

  #hashCarry(carry: Carry): void {
    const { byteOffset, byteLength } = this.#entriesOf(carry);
    this.#carries.set(carry.name, this.#kernel.hashAt(byteOffset, byteLength));
  }

  async #linear(number: number): Promise<void> {
    if (this.#isHashed) {
      const { a, y, x } = this.#hashState(number);
      this.#a.push(a);
      this.#y.push(y);
      this.#x.push(x);
    }
    this.#input.onOperand?.(number, this.#operand(number));
    if (this.#input.capture === number) this.#capture(number);
    await this.#multiply(number);
  }

  /** A of a linear, of the sequences that are asked for. */
  #operand(number: number): Int8Array {
    const l = this.#linears[number - 1]!;
    return this.#kernel.activations({ ...l, m: this.#wanted * this.#parts.shape.tokens });
  }

  #capture(number: number): void {
    this.#captured = this.#operand(number);
    if (!this.#input.captureCarries) return;
    const alive = carriesAt(this.#parts.shape, number);
    this.#capturedCarries = new Map(
      alive.map((carry) => [carry.name, Int32Array.from(this.#entriesOf(carry))]),
    );
  }

  /** a, y and x of a linear whose A is there. */
  #hashState(number: number) {
    const a = this.#kernel.hashActivations(this.#linears[number - 1]!);
    const alive = carriesAt(this.#parts.shape, number);
    const y = carriesHash(alive.map(({ name }) => this.#carries.get(name)!));
    const x = stateHash(a, y);
    this.#lap('hash');
    return { a, y, x };
  }

  async #multiply(number: number): Promise<void> {
    const l = this.#linears[number - 1]!;
    const b = this.#parts.weights[number - 1]!;
    if (!this.#sigma) return this.#multiplyPlainly(l, b);
    const tBefore = this.#t.at(-1) ?? ZERO_HASH;
    this.#sigma = layerSeed(this.#sigma, tBefore, this.#x.at(-1)!, l.weights, number);
    const limit = this.#input.limits[number - 1]!;
    // Tickets that cannot win first, and a product that no segment reads, are left out.
    const [tickets, exact] = [limit > 0n && !this.#winner, number !== this.#input.stopAfter];
    const made = await this.#kernel.multiplyNoisy(
      l,
      b,
      { sigma: this.#sigma, number, tickets, exact },
      this.#yieldToLoop,
    );
    this.#t.push(made.t);
    const tile = firstWinner(made.tickets, limit);
    if (tile >= 0) this.#winner = { linear: number, tile };
    this.#lap('tickets');
  }

  /** The product of the rows that are read; behind them zeros, which are products within their bounds. */
  async #multiplyPlainly(l: UnitLinear, b: PlacedWeights): Promise<void> {
    const rows = l.low <= 0 && l.high >= 0 ? this.#rows : l.m;
    await this.#kernel.multiply({ ...l, m: rows }, b, this.#yieldToLoop);
    if (rows === l.m) return;
    const at = this.#kernel.place('c') + 4 * rows * l.n;
    new Int32Array(this.#kernel.memory.buffer, at, (l.m - rows) * l.n).fill(0);
  }

  #answer(): Int8Array<ArrayBuffer> {
    const size = this.#wanted * answerBytes(this.#model.manifest, this.#parts.shape);
    return Int8Array.from(this.#segments.answer().subarray(0, size));
  }

  #result(isWhole: boolean): PassResult {
    return {
      x: this.#x,
      a: this.#a,
      y: this.#y,
      t: this.#t,
      winner: this.#winner,
      answer: isWhole ? this.#answer() : new Int8Array(),
      captured: this.#captured,
      ...(this.#capturedCarries && { carries: this.#capturedCarries }),
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
