/** Reads the values of a GGUF header one after the other, and none past its end or over its bound. */
import { AppError } from '../../../../src/lib/errors.ts';
import type { Bytes } from '../../safetensors.ts';

/** Metadata and the list of tensors. A vocabulary of 2^18 with its merges takes 16 MiB. */
const HEADER_BYTES_MAX = 32 * 2 ** 20;
const WINDOW_BYTES = 2 ** 18;
/** A chat template is the longest text. */
const TEXT_BYTES_MAX = 2 ** 20;

/** Types of numbers. */
type NumberKind = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'u64' | 'i64' | 'f64';
const NUMBERS: Readonly<
  Record<NumberKind, { readonly bytes: number; read(view: DataView, at: number): number }>
> = {
  u8: { bytes: 1, read: (v, at) => v.getUint8(at) },
  i8: { bytes: 1, read: (v, at) => v.getInt8(at) },
  u16: { bytes: 2, read: (v, at) => v.getUint16(at, true) },
  i16: { bytes: 2, read: (v, at) => v.getInt16(at, true) },
  u32: { bytes: 4, read: (v, at) => v.getUint32(at, true) },
  i32: { bytes: 4, read: (v, at) => v.getInt32(at, true) },
  f32: { bytes: 4, read: (v, at) => v.getFloat32(at, true) },
  // What is no safe integer stays none, and is refused where a count is asked for.
  u64: { bytes: 8, read: (v, at) => Number(v.getBigUint64(at, true)) },
  i64: { bytes: 8, read: (v, at) => Number(v.getBigInt64(at, true)) },
  f64: { bytes: 8, read: (v, at) => v.getFloat64(at, true) },
};
/** By the number of a type of values. */
const KINDS: ReadonlyMap<number, NumberKind | 'bool' | 'text'> = new Map([
  [0, 'u8'],
  [1, 'i8'],
  [2, 'u16'],
  [3, 'i16'],
  [4, 'u32'],
  [5, 'i32'],
  [6, 'f32'],
  [7, 'bool'],
  [8, 'text'],
  [10, 'u64'],
  [11, 'i64'],
  [12, 'f64'],
]);

/** Bytes of a value of a type; 0 of texts, undefined of what is no type of one value. */
export function bytesOfType(type: number): number | undefined {
  const kind = KINDS.get(type);
  if (kind === undefined) return undefined;
  if (kind === 'text') return 0;
  return kind === 'bool' ? 1 : NUMBERS[kind].bytes;
}

/** One value that is no list. @throws AppError MODEL_CORRUPT */
export function scalar(cursor: Cursor, type: number): string | number | boolean {
  const kind = KINDS.get(type);
  if (kind === undefined) throw cursor.corrupt(`is of type ${type}, which the format has not`);
  if (kind === 'text') return cursor.text(TEXT_BYTES_MAX);
  if (kind !== 'bool') return cursor.number(kind);
  const byte = cursor.number('u8');
  if (byte > 1) throw cursor.corrupt(`is ${byte}, neither true nor false`);
  return byte === 1;
}

/** Reads one after the other what lies in the header, by windows. */
export class Cursor {
  readonly #bytes: Bytes;
  readonly #what: string;
  readonly #end: number;
  #window: DataView = new DataView(new ArrayBuffer(0));
  #windowAt = 0;
  at: number;
  /** What is being read, for messages. */
  label = 'the header';

  constructor(bytes: Bytes, what: string, at = 0) {
    this.#bytes = bytes;
    this.#what = what;
    this.at = at;
    this.#end = Math.min(bytes.size, HEADER_BYTES_MAX);
  }

  corrupt(problem: string): AppError {
    return new AppError('MODEL_CORRUPT', `${this.#what}: ${this.label} ${problem}`);
  }

  #demand(size: number): void {
    const left = this.#end - this.at;
    if (size > left)
      throw this.corrupt(`needs ${size} bytes; ${left} are left of the ${this.#end} of a header`);
  }

  /** Moves on by so many entries of so many bytes each. */
  skip(count: number, bytes: number): void {
    this.#demand(count * bytes);
    this.at += count * bytes;
  }

  skipText(): void {
    this.skip(1, this.number('u64'));
  }

  /** A view that has `size` bytes from the cursor on, and the place of the first; moves on. */
  #take(size: number): [DataView, number] {
    this.#demand(size);
    const isHere =
      this.at >= this.#windowAt && this.at + size <= this.#windowAt + this.#window.byteLength;
    if (!isHere) {
      const to = Math.min(this.#end, this.at + Math.max(size, WINDOW_BYTES));
      const read = this.#bytes.read(this.at, to);
      this.#window = new DataView(read.buffer, read.byteOffset, read.byteLength);
      this.#windowAt = this.at;
    }
    const place = this.at - this.#windowAt;
    this.at += size;
    return [this.#window, place];
  }

  number(kind: NumberKind): number {
    const [view, at] = this.#take(NUMBERS[kind].bytes);
    return NUMBERS[kind].read(view, at);
  }

  u32 = (): number => this.number('u32');

  /** A whole number of 64 bits. */
  count(most: number): number {
    const value = this.number('u64');
    if (value > most) throw this.corrupt(`has ${value}; ${most} are the most`);
    return value;
  }

  text(most: number): string {
    const size = this.number('u64');
    this.#demand(size);
    if (size > most) throw this.corrupt(`is a text of ${size} bytes; ${most} are the most`);
    const [view, at] = this.#take(size);
    try {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at, size);
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new AppError('MODEL_CORRUPT', this.corrupt('is not UTF-8').message, { cause });
    }
  }
}
