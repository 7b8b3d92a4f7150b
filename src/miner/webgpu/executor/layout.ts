/**
 * Where each buffer of a plan lies on the device. Everything that a pass writes, but A, lies in one buffer, the arena,
 * so that a program of any number of inputs needs four bindings; what no pass writes lies in another.
 *
 * WGSL writes whole words. A buffer of int8 or int16 into which some step would write parts of a word is kept as
 * int32 instead; what of such is multiplied or hashed is packed by one more dispatch (`Settle`).
 */
import { AppError } from '../../../lib/errors.ts';
import { accessesOf } from '../../executor/nest.ts';
import {
  BYTES,
  type Binding,
  type Plan,
  type PlanBuffer,
  type RowProgram,
  type SegmentPlan,
  type Step,
  type Storage,
} from '../../executor/types.ts';

/** The device's buffers: arena and operand are written. */
export type Space = 'arena' | 'fixed' | 'product' | 'operand';
/** In the order of their bindings. */
export const SPACES: readonly Space[] = ['arena', 'fixed', 'product', 'operand'];

/** A region: `base` counts elements of its storage from the beginning of its space. */
export interface Place {
  readonly space: Space;
  readonly storage: Storage;
  readonly base: number;
}

/** A buffer that is written as int32 and packed into `to` when the segment ends. */
export interface Settle {
  readonly buffer: number;
  readonly to: Place;
  readonly elements: number;
}

/** Where all buffers of a plan lie. */
export interface Layout {
  /** Of each buffer of the plan. */
  readonly places: readonly Place[];
  /** Of each segment. */
  readonly settles: readonly (readonly Settle[])[];
  readonly arenaBytes: number;
  readonly fixedBytes: number;
}

/** Regions begin at multiples of it: WebGPU's least alignment of a bound part of a buffer. */
const ALIGNMENT = 256;
/** Columns that a thread reads or writes at once. */
export const LANES = 4;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Elements of a storage that fill a word. */
export const perWord = (storage: Storage): number => 4 / BYTES[storage];

/** Whether every row of a binding begins with a word. */
export function isAligned({ offset, strides, index }: Binding, storage: Storage): boolean {
  const unit = perWord(storage);
  return [offset, ...strides, index?.scale ?? 0].every((x) => x % unit === 0);
}

/** Buffers into which a step writes parts of words. */
function written(step: Step, programs: readonly RowProgram[], buffers: readonly PlanBuffer[]) {
  const parts = (binding: Binding, width: number): number[] => {
    const { storage } = buffers[binding.buffer]!;
    return isAligned(binding, storage) && width % perWord(storage) === 0 ? [] : [binding.buffer];
  };
  // A thread of a pool writes one column, and products are int32.
  if (step.kind === 'pool') return parts(step.to, 1);
  if (step.kind !== 'rows') return [];
  const { outputs, values } = programs[step.program]!;
  return step.outputs.flatMap((to, i) => parts(to, values[outputs[i]!.value]!.width));
}

/** Of each buffer, the first and last segment that touches it. */
function livesOf(plan: Plan): ReadonlyMap<number, readonly [number, number]> {
  const lives = new Map<number, readonly [number, number]>();
  for (const [s, segment] of plan.segments.entries())
    for (const buffer of touched(segment, plan.programs))
      lives.set(buffer, [lives.get(buffer)?.[0] ?? s, s]);
  return lives;
}

function touched({ steps = [] }: SegmentPlan, programs: readonly RowProgram[]): number[] {
  return steps.flatMap((step) => {
    if (step.kind === 'leftover') return [...step.inputs, ...step.outputs].map((t) => t.buffer);
    return accessesOf(step, programs).flatMap(({ binding: { buffer, index } }) =>
      index ? [buffer, index.buffer] : [buffer],
    );
  });
}

/** A binding on the device: the element where its first row begins, and the strides of its loops. */
export interface Address extends Place {
  readonly offset: number;
  readonly strides: readonly number[];
  /** Every row begins where a word begins. */
  readonly isAligned: boolean;
  readonly index?: Address & { readonly scale: number };
}

/** A binding in its buffer's place. */
export function addressOf(places: readonly Place[], binding: Binding): Address {
  const { buffer, offset, strides, index } = binding;
  const place = places[buffer]!;
  return {
    ...place,
    offset: place.base + offset,
    strides,
    isAligned: isAligned(binding, place.storage),
    ...(index && { index: { ...addressOf(places, index), scale: index.scale } }),
  };
}

const elementsOf = ({ size, perSequence }: PlanBuffer, sequences: number): number =>
  perSequence ? size * sequences : size;

/** Gives regions of the spaces, one after the other. */
class Allocator {
  readonly used = { arena: 0, fixed: 0, product: 0, operand: 0 };

  take(space: Space, storage: Storage, elements: number): Place {
    const place = { space, storage, base: this.used[space] / BYTES[storage] };
    this.used[space] = aligned(this.used[space] + BYTES[storage] * elements);
    return place;
  }
}

/**
 * Places of a plan. Temporaries of different segments lie over each other.
 * @throws AppError MODEL_REFUSED where a temporary is used by two segments
 */
export function layoutOf(plan: Plan): Layout {
  const { buffers, sequences, programs } = plan;
  const steps = plan.segments.flatMap((segment) => segment.steps ?? []);
  const widened = new Set(steps.flatMap((step) => written(step, programs, buffers)));
  const lives = livesOf(plan);
  const settles: Settle[][] = plan.segments.map(() => []);
  const allocator = new Allocator();
  /** int32 where a narrower storage would be written in parts of words. */
  const wideIn = (i: number): Storage =>
    widened.has(i) && buffers[i]!.storage !== 'f32' ? 'i32' : buffers[i]!.storage;

  const lasting = (buffer: PlanBuffer, i: number): Place | undefined => {
    const { role, storage } = buffer;
    const elements = elementsOf(buffer, sequences);
    switch (role.kind) {
      case 'table':
      case 'constant':
        return allocator.take('fixed', storage, elements);
      case 'product':
        return { space: 'product', storage, base: 0 };
      case 'tokens':
        return allocator.take('arena', storage, elements);
      case 'answer':
        // Few numbers, which are read back as they are.
        return allocator.take('arena', 'i32', elements);
      case 'carry':
      case 'operand': {
        const isCarry = role.kind === 'carry';
        const to: Place = isCarry
          ? allocator.take('arena', storage, elements)
          : { space: 'operand', storage, base: 0 };
        if (wideIn(i) === storage) return to;
        settles[lives.get(i)?.[0] ?? 0]!.push({ buffer: i, to, elements });
        return allocator.take('arena', 'i32', elements);
      }
      case 'temporary':
        return undefined;
      case 'positions':
      case 'cache':
        throw new AppError('MODEL_REFUSED', 'a step runs on the processor alone');
    }
  };
  const places = buffers.map(lasting);

  // A segment's temporaries begin where all that outlives it ends.
  const common = allocator.used.arena;
  let most = common;
  for (const s of plan.segments.keys()) {
    allocator.used.arena = common;
    for (const [i, buffer] of buffers.entries()) {
      const life = lives.get(i);
      if (buffer.role.kind !== 'temporary' || life?.[0] !== s) continue;
      if (life[1] !== s) throw new AppError('MODEL_REFUSED', `buffer ${i} outlives segment ${s}`);
      places[i] = allocator.take('arena', wideIn(i), elementsOf(buffer, sequences));
    }
    most = Math.max(most, allocator.used.arena);
  }
  // What no step touches needs no place of its own.
  const nowhere: Place = { space: 'arena', storage: 'i32', base: 0 };
  return {
    places: places.map((place) => place ?? nowhere),
    settles,
    arenaBytes: most,
    fixedBytes: allocator.used.fixed,
  };
}
