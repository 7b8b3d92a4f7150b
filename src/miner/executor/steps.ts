/** Steps of a plan as calls of functions in the kernel's memory, with all addresses but the turn's worked out before. */
import { assert } from '../../lib/errors.ts';
import type { Primitives } from '../cpu/kernel/kernel.ts';
import { interpret, type Tensor } from '../interpreter.ts';
import { isGroups, type LoopStep, type Phase, type Room } from './nest.ts';
import {
  BYTES,
  type Binding,
  type CacheTokens,
  type LeftoverStep,
  type PlanBuffer,
  type PoolStep,
  type ProductStep,
  type RowProgram,
  type RowsStep,
  type Step,
} from './types.ts';
import { sizeOf } from './plan/views.ts';
import type { Emitted } from './wasm/function.ts';

type Place = readonly [sequence: number, head: number, turn: number];
/** Turns of a step that have a frame each. */
const FRAMES_MAX = 64;

/** A compiled row program. */
export interface Compiled extends Pick<Emitted, 'layout' | 'scratchBytes'> {
  run(rows: number, frame: number): void;
}

/** Views of the memory, which last until it grows. */
export interface Views {
  readonly int: Int32Array;
  readonly float: Float32Array;
}

/** Of a step: where the sequences' caches lie, page by page. */
export interface Pages {
  /** Tokens of a page, of all caches. */
  readonly tokens: number;
  /** Pages that a sequence may have. */
  readonly each: number;
  /** Their addresses, those of one sequence after those of another. */
  readonly at: Int32Array;
}

/** An offset in a cache with room for all tokens, that of its first one, in a page of `tokens` tokens. */
export function inPage(elements: number, { row, room }: CacheTokens, tokens: number): number {
  const heads = Math.floor(elements / (row * room));
  return heads * row * Math.min(tokens, room) + (elements % row);
}

/** What steps of a segment are prepared with. */
export interface Workplace {
  readonly buffers: readonly PlanBuffer[];
  readonly programs: readonly RowProgram[];
  readonly sequences: number;
  readonly rooms: ReadonlyMap<number, Room>;
  /** Address of each buffer. */
  addressOf(buffer: number): number;
  /** Address of the list through which a binding reads, where it is another than the plan's. */
  listOf(binding: Binding): number | undefined;
  /** Memory that stays as it is. */
  reserve(bytes: number): number;
  compiled(program: RowProgram): Compiled;
  readonly memory: Views;
  /** Of a step: address of the sequences' positions. */
  readonly positions: number;
  readonly pages: Pages;
  readonly primitives: Primitives;
  /** Of all functions' scratch rows, and of all panels: one at a time is used. */
  readonly scratch: number;
  readonly panels: number;
}

/** Runs a step for one sequence, and one head where it lies in a loop over heads. */
export type Turn = (sequence: number, head: number) => void;

/** A pointer: its first address, and the bytes from sequence to sequence and from head to head. */
interface Pointer {
  readonly base: number;
  readonly sequence: number;
  readonly head: number;
  /** Bytes of each turn of the loops in between. */
  readonly turns: Int32Array;
  /** Bytes from row to row of the innermost loop. */
  readonly row: number;
  /** What is added for a sequence of a step: where a cache's row at its position lies. */
  readonly more: ((sequence: number) => number) | undefined;
}
const startOf = (p: Pointer, sequence: number, head: number): number =>
  p.base + sequence * p.sequence + head * p.head + (p.more?.(sequence) ?? 0);

/** Loops of a step: those that a turn runs, and the innermost, which the function runs. */
interface Loops {
  readonly between: readonly number[];
  readonly inner: number;
  readonly isHeaded: boolean;
}
function loopsOf(loops: readonly number[], heads: number, hasRows: boolean): Loops {
  const isHeaded = heads > 1;
  const rest = loops.slice(isHeaded ? 2 : 1);
  if (!hasRows || !rest.length) return { between: rest, inner: 1, isHeaded };
  return { between: rest.slice(0, -1), inner: rest.at(-1)!, isHeaded };
}

/** Offsets of all turns of nested loops, in order. */
function turnsOf(loops: readonly number[], strides: readonly number[]): number[] {
  let turns = [0];
  for (const [i, count] of loops.entries())
    turns = turns.flatMap((t) => Array.from({ length: count }, (_, j) => t + j * strides[i]!));
  return turns;
}

class Pointers {
  readonly #work: Workplace;
  readonly #loops: Loops;
  constructor(work: Workplace, loops: Loops) {
    this.#work = work;
    this.#loops = loops;
  }

  /** `isWritten`: through a list, where the binding has one. */
  of({ buffer, offset, strides, index }: Binding, isWritten = false): Pointer {
    const { buffers, pages, rooms } = this.#work;
    const { storage, role } = buffers[buffer]!;
    const isCache = role.kind === 'cache';
    const size = BYTES[storage];
    const bytes = (elements: number): number =>
      size * (isCache ? inPage(elements, role, pages.tokens) : elements);
    const [sharedBy, sharedHeads] = rooms.get(buffer)?.isShared ?? [false, false];
    const { between, isHeaded, inner } = this.#loops;
    const rest = strides.slice(isHeaded ? 2 : 1);
    return {
      base: this.#work.addressOf(buffer) + bytes(offset),
      sequence: sharedBy || isCache ? 0 : bytes(strides[0]!),
      head: isHeaded && !sharedHeads ? bytes(strides[1]!) : 0,
      turns: Int32Array.from(turnsOf(between, rest), bytes),
      row: inner > 1 ? bytes(rest[between.length]!) : 0,
      more: isCache && isWritten && index ? this.#rowsAt(size * index.scale) : undefined,
    };
  }

  /** Where a binding's list of row numbers lies. */
  list(binding: Binding): Pointer {
    const index = binding.index!;
    const found = this.of(index);
    const list = this.#work.listOf(binding);
    if (list === undefined) return found;
    return { ...found, base: list + found.base - this.#work.addressOf(index.buffer) };
  }

  /** The page of a sequence's position, and its row in it, of so many bytes. */
  #rowsAt(row: number): (sequence: number) => number {
    const { memory, positions, pages } = this.#work;
    const { tokens, each, at } = pages;
    return (sequence) => {
      const position = memory.int[(positions >> 2) + sequence]!;
      const page = Math.floor(position / tokens);
      return at[sequence * each + page]! + row * (position - page * tokens);
    };
  }
}

/** Whether a step reads caches as they lie: page by page, in products whose loops go from head to head. */
export function readsPages(step: Step, buffers: readonly PlanBuffer[]): boolean {
  const isCache = ({ buffer }: Pick<Binding, 'buffer'>): boolean =>
    buffers[buffer]!.role.kind === 'cache';
  if (step.kind === 'leftover') return ![...step.inputs, ...step.outputs].some(isCache);
  if (step.kind === 'rows') return !step.inputs.some(isCache);
  if (step.kind === 'pool') return !isCache(step.from) && !isCache(step.to);
  const { left, right, cached } = step;
  const { role } = buffers[right.buffer]!;
  if (isCache(left) || role.kind !== 'cache') return !isCache(left);
  const { row, room } = role;
  const along = cached?.along === 'columns' ? right.column : right.depth;
  return along === row && right.strides.slice(1).every((stride) => stride % (row * room) === 0);
}

/** Runs a phase of a segment on sequences `from` to `until` − 1. */
export type ReadyPhase = (from: number, until: number) => void;

/** Phases as functions, whose addresses, frames and turns are worked out now. */
export function readyPhases(phases: readonly Phase[], work: Workplace): ReadyPhase[] {
  return phases.map((phase) => {
    if (!isGroups(phase)) return (_, until) => runLeftover(phase, work, until);
    const groups = phase.map((group) => ({
      heads: group.heads,
      turns: group.steps.map((step) => prepare(step, group.heads, work)),
    }));
    return (from, until) => {
      for (let b = from; b < until; b++)
        for (const { heads, turns } of groups)
          for (let h = 0; h < heads; h++) for (const turn of turns) turn(b, h);
    };
  });
}

const ARRAYS = { i8: Int8Array, i16: Int16Array, i32: Int32Array, f32: Float32Array } as const;

/** Nodes for the interpreter: on all B sequences, of which those that do not run are zeros. */
function runLeftover(step: LeftoverStep, work: Workplace, sequences: number): void {
  const viewOf = (buffer: number, count: number) =>
    new ARRAYS[work.buffers[buffer]!.storage](
      work.memory.float.buffer as ArrayBuffer,
      work.addressOf(buffer),
      count,
    );
  const inputs = new Map<string, Tensor>();
  for (const { name, dims, type, buffer } of step.inputs) {
    const view = viewOf(buffer, sizeOf(dims));
    view.fill(0, (view.length / work.sequences) * sequences);
    const data = type === 'int32' ? Int32Array.from(view) : Float32Array.from(view);
    inputs.set(name, { dims, data });
  }
  const made = interpret(step, inputs);
  for (const { name, buffer } of step.outputs) {
    const { data } = made.get(name)!;
    viewOf(buffer, data.length).set(data);
  }
}

function prepare(step: LoopStep, heads: number, work: Workplace): Turn {
  if (step.kind === 'rows') return prepareRows(step, heads, work);
  return step.kind === 'product' ? prepareProduct(step, heads, work) : preparePool(step, work);
}

function prepareRows(step: RowsStep, heads: number, work: Workplace): Turn {
  const program = work.programs[step.program]!;
  const loops = loopsOf(step.loops, heads, true);
  const pointers = new Pointers(work, loops);
  const { layout, run } = work.compiled(program);
  const turns = sizeOf(loops.between);
  // A frame for each turn stays as it is from one pass or step to the next, but for what depends on a position.
  const isOwn = turns * heads <= FRAMES_MAX;
  const frames = Array.from({ length: isOwn ? turns * heads : 1 }, () =>
    work.reserve(layout.bytes),
  );
  const words: [offset: number, word: number][] = [[layout.scratch, work.scratch]];
  const moving: { offset: number; pointer: Pointer }[] = [];
  const place = (offset: number, pointer: Pointer): void => {
    moving.push({ offset: offset >> 2, pointer });
    words.push([offset + 4, pointer.row]);
  };
  for (const [i, binding] of step.inputs.entries()) {
    const offset = layout.inputs[i]!;
    place(offset, pointers.of(binding));
    if (!binding.index) continue;
    place(offset + 8, pointers.list(binding));
    const { storage } = work.buffers[binding.buffer]!;
    words.push([offset + 16, binding.index.scale * BYTES[storage]]);
  }
  for (const [o, binding] of step.outputs.entries())
    place(layout.outputs[o]!, pointers.of(binding, true));
  for (const frame of frames) {
    const { int, float } = work.memory;
    for (const [offset, word] of words) int[(frame + offset) >> 2] = word;
    for (const [i, x] of step.numbers.entries())
      (layout.shifts.has(i) ? int : float)[(frame + layout.numbers + 4 * i) >> 2] = x;
  }
  const positional = moving.filter(({ pointer }) => pointer.more);
  const write = (list: typeof moving, frame: number, [sequence, head, t]: Place): void => {
    const { int } = work.memory;
    for (const { offset, pointer } of list)
      int[(frame >> 2) + offset] = startOf(pointer, sequence, head) + pointer.turns[t]!;
  };
  if (isOwn)
    for (const [i, frame] of frames.entries())
      write(moving, frame, [0, Math.floor(i / turns), i % turns]);
  /** Of each frame: whose addresses are in it. */
  const sequences = new Int32Array(frames.length);
  return (sequence, head) => {
    for (let t = 0; t < turns; t++) {
      const i = isOwn ? head * turns + t : 0;
      const frame = frames[i]!;
      const list = isOwn && sequences[i] === sequence ? positional : moving;
      if (list.length) write(list, frame, [sequence, head, t]);
      sequences[i] = sequence;
      run(loops.inner, frame);
    }
  };
}

function prepareProduct(step: ProductStep, heads: number, work: Workplace): Turn {
  if (step.cached) return prepareCached(step, step.cached, heads, work);
  const { m, n, k, causal } = step;
  const loops = loopsOf(step.loops, heads, false);
  const pointers = new Pointers(work, loops);
  const [left, right, out] = [step.left, step.right, step.out].map((b) => pointers.of(b)) as [
    Pointer,
    Pointer,
    Pointer,
  ];
  const { primitives, panels } = work;
  const isRows = step.right.depth === 1;
  const stride = 2 * (isRows ? step.right.column : step.right.depth);
  const turns = left.turns.length;
  const diagonal = causal?.columns ?? causal?.depths ?? 0;
  // The first rows see nothing of a later block.
  const blind = Math.min(m, Math.max(0, -diagonal));
  const reach = diagonal + blind;
  const [columns, depths] = [causal?.columns, causal?.depths].map((limit) =>
    limit === undefined ? -1 : reach,
  ) as [number, number];
  return (sequence, head) => {
    const at = (p: Pointer, t: number): number => startOf(p, sequence, head) + p.turns[t]!;
    for (let t = 0; t < turns; t++) {
      for (let row = 0; row < blind; row++) {
        const from = at(out, t) / 4 + row * step.out.row;
        work.memory.int.fill(0, from, from + n);
      }
      if (blind === m) continue;
      // Heads of a group share their right operand.
      if (!t || right.turns[t] !== right.turns[t - 1]) {
        if (isRows) primitives.packRows(at(right, t), stride, n, k, panels);
        else primitives.packColumns(at(right, t), stride, n, k, panels);
      }
      primitives.gemm16(
        at(left, t) + 2 * step.left.row * blind,
        2 * step.left.row,
        panels,
        at(out, t) + 4 * step.out.row * blind,
        4 * step.out.row,
        m - blind,
        n,
        k,
        columns,
        depths,
      );
    }
  };
}

/** A product by a cache, as far as the cache is filled: page by page, whose shares of a depth are added. */
function prepareCached(
  step: ProductStep,
  { along, from }: NonNullable<ProductStep['cached']>,
  heads: number,
  work: Workplace,
): Turn {
  const { m, n, k } = step;
  const pointers = new Pointers(work, loopsOf(step.loops, heads, false));
  const [left, right, out] = [step.left, step.right, step.out].map((b) => pointers.of(b)) as [
    Pointer,
    Pointer,
    Pointer,
  ];
  const { primitives, memory, positions, pages, panels: share } = work;
  const isColumns = along === 'columns';
  const gemm = isColumns ? primitives.gemmByColumns : primitives.gemmByRows;
  const { storage } = work.buffers[step.right.buffer]!;
  const bytes = storage === 'i8' ? 1 : 2;
  const stride = bytes * (isColumns ? step.right.column : step.right.depth);
  const [rows, line] = [2 * step.left.row, 4 * step.out.row];
  const clear = (c: number, columns: number): void => {
    for (let i = 0; i < m; i++)
      memory.int.fill(0, (c + i * line) >> 2, ((c + i * line) >> 2) + columns);
  };
  const add = (c: number): void => {
    const { int } = memory;
    for (let i = 0; i < m; i++) {
      const [to, of] = [(c + i * line) >> 2, (share >> 2) + i * n];
      for (let j = 0; j < n; j++) int[to + j]! += int[of + j]!;
    }
  };
  return (sequence, head) => {
    const filled = memory.int[(positions >> 2) + sequence]! + 1 - from;
    const count = Math.max(0, Math.min(isColumns ? n : k, filled));
    const a = startOf(left, sequence, head);
    const b = startOf(right, sequence, head);
    const c = startOf(out, sequence, head);
    for (let t = 0; t < left.turns.length; t++) {
      const [x, y, z] = [a + left.turns[t]!, b + right.turns[t]!, c + out.turns[t]!];
      for (let done = 0; done < count;) {
        const page = Math.floor((from + done) / pages.tokens);
        const row = from + done - page * pages.tokens;
        const some = Math.min(count - done, pages.tokens - row);
        const cache = pages.at[sequence * pages.each + page]! + y + row * stride;
        if (isColumns) gemm(x, rows, cache, stride, bytes, z + 4 * done, line, m, some, k);
        else if (!done) gemm(x, rows, cache, stride, bytes, z, line, m, n, some);
        else {
          gemm(x + 2 * done, rows, cache, stride, bytes, share, 4 * n, m, n, some);
          add(z);
        }
        done += some;
      }
      if (isColumns && count < n) clear(z + 4 * count, n - count);
      else if (!count) clear(z, n);
    }
  };
}

/** A pool as a row program that adds each row to its result. */
export function poolProgram(
  { op, width }: PoolStep,
  buffers: readonly PlanBuffer[],
  from: Binding,
): RowProgram {
  const { storage } = buffers[from.buffer]!;
  const input = { width, isTable: false, isIndexed: false };
  const shape: Omit<RowProgram, 'key'> = {
    inputs: [
      { ...input, storage },
      { ...input, storage: 'f32' },
    ],
    values: [
      { op: 'input', input: 0, width },
      { op: 'input', input: 1, width },
      { op: op === 'sum' ? 'add' : 'max', args: [0, 1], width },
    ],
    outputs: [{ value: 2, storage: 'f32', isQuick: false }],
    numbers: 0,
  };
  return { key: JSON.stringify(shape), ...shape };
}

function preparePool(step: PoolStep, work: Workplace): Turn {
  const program = poolProgram(step, work.buffers, step.from);
  const { layout, run } = work.compiled(program);
  const loops = loopsOf(step.loops, 1, false);
  const pointers = new Pointers(work, loops);
  const [from, to] = [pointers.of(step.from), pointers.of(step.to)];
  const frame = work.reserve(layout.bytes);
  const size = BYTES[work.buffers[step.from.buffer]!.storage];
  const int = work.memory.int;
  int[(frame + layout.scratch) >> 2] = work.scratch;
  const [x, sum] = layout.inputs.map((at) => (frame + at) >> 2) as [number, number];
  const result = (frame + layout.outputs[0]!) >> 2;
  int[x + 1] = size * step.from.row;
  int[sum + 1] = 0;
  int[result + 1] = 0;
  const first = step.op === 'sum' ? 0 : -Infinity;
  assert(to.turns.length === from.turns.length, 'a pool has one result for each turn');
  return (sequence) => {
    const words = work.memory.int;
    for (let t = 0; t < to.turns.length; t++) {
      const target = startOf(to, sequence, 0) + to.turns[t]!;
      work.memory.float.fill(first, target >> 2, (target >> 2) + step.width);
      words[x] = startOf(from, sequence, 0) + from.turns[t]!;
      words[sum] = target;
      words[result] = target;
      run(step.rows, frame);
    }
  };
}
