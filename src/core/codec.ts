/**
 * Canonical binary codec. A wire format is declared once; its TypeScript type, encoder,
 * decoder and size limits follow from that declaration (docs/protocol.md §1).
 *
 * One value has exactly one encoding: `decode` rejects what `encode` would not write.
 */
import { assert } from '../lib/errors.ts';

export interface Codec<T> {
  write(w: Writer, value: T): void;
  read(r: Reader): T;
}
/** The value type that a codec describes: `type Header = Value<typeof Header>`. */
export type Value<C> = C extends Codec<infer T> ? T : never;

export class CodecError extends Error {
  override readonly name = 'CodecError';
}

class Writer {
  #data = new Uint8Array(256);
  #at = 0;

  #room(n: number): void {
    if (this.#at + n <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#data.length, this.#at + n));
    grown.set(this.#data);
    this.#data = grown;
  }

  byte(b: number): void {
    this.#room(1);
    this.#data[this.#at++] = b;
  }

  bytes(b: Uint8Array): void {
    this.#room(b.length);
    this.#data.set(b, this.#at);
    this.#at += b.length;
  }

  /** A copy of the bytes written so far; the writer is empty again afterwards. */
  take(): Uint8Array {
    const written = this.#data.slice(0, this.#at);
    this.#at = 0;
    return written;
  }

  get room(): number {
    return this.#data.length;
  }
}

class Reader {
  #at = 0;
  readonly #data: Uint8Array;
  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  byte(): number {
    if (!this.left) throw new CodecError('need 1 byte, 0 left');
    return this.#data[this.#at++]!;
  }

  bytes(n: number): Uint8Array {
    if (n > this.left) throw new CodecError(`need ${n} bytes, ${this.left} left`);
    // Not slice(): on a Node.js Buffer it returns another Buffer that shares the memory.
    return new Uint8Array(this.#data.subarray(this.#at, (this.#at += n)));
  }
}

/** The last writer, kept for the next call of `encode`: values are many and most of them small. */
let spare: Writer | undefined;
const SPARE_BYTES_MAX = 65_536;

export function encode<T>(codec: Codec<T>, value: NoInfer<T>): Uint8Array {
  const w = spare ?? new Writer();
  spare = undefined;
  codec.write(w, value);
  const written = w.take();
  if (w.room <= SPARE_BYTES_MAX) spare = w;
  return written;
}

/** @throws CodecError */
export function decode<T>(codec: Codec<T>, data: Uint8Array): T {
  const r = new Reader(data);
  const value = codec.read(r);
  if (r.left) throw new CodecError(`${r.left} trailing bytes`);
  return value;
}

/** The value, or undefined when the bytes are not its encoding. */
export function tryDecode<T>(codec: Codec<T>, data: Uint8Array): T | undefined {
  try {
    return decode(codec, data);
  } catch (e) {
    if (e instanceof CodecError) return undefined;
    throw e;
  }
}

/** Unsigned integer of `size` bytes, at most 6, so that it stays a safe `number`. */
export const uint = (size: 1 | 2 | 4 | 6): Codec<number> => ({
  write(w, value) {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * size))
      throw new CodecError(`${value} is not a u${8 * size}`);
    for (let i = 0, rest = value; i < size; i++, rest = Math.floor(rest / 256)) w.byte(rest % 256);
  },
  read(r) {
    let value = 0;
    for (let i = 0; i < size; i++) value += r.byte() * 2 ** (8 * i);
    return value;
  },
});

/** Written and read in words of 32 bits, because arithmetic on a bigint is costly. */
function bigUint(size: 8 | 32): Codec<bigint> {
  const end = 1n << BigInt(8 * size);
  return {
    write(w, value) {
      if (value < 0n || value >= end) throw new CodecError(`${value} is not a u${8 * size}`);
      for (let i = 0, rest = value; i < size; i += 4, rest >>= 32n)
        u32.write(w, Number(rest & 0xffff_ffffn));
    },
    read(r) {
      let value = 0n;
      for (let i = 0; i < size; i += 4) value += BigInt(u32.read(r)) << BigInt(8 * i);
      return value;
    },
  };
}
/** Two's complement of `size` bytes, as an unsigned integer is written. */
const int = (size: 1 | 4): Codec<number> => {
  const inner = uint(size);
  const half = 2 ** (8 * size - 1);
  return {
    write(w, value) {
      // A fraction would be rounded away by the sum below.
      if (!Number.isSafeInteger(value) || value < -half || value >= half)
        throw new CodecError(`${value} is not an i${8 * size}`);
      inner.write(w, value < 0 ? value + 2 * half : value);
    },
    read(r) {
      const value = inner.read(r);
      return value < half ? value : value - 2 * half;
    },
  };
};
export const i8 = int(1);
export const i32 = int(4);
export const u8 = uint(1);
export const u16 = uint(2);
export const u32 = uint(4);
/** Milliseconds since 1970. */
export const u48 = uint(6);
export const u64 = bigUint(8);
export const u256 = bigUint(32);

/** LEB128 of at most 28 bits, minimal form only. */
export const varint: Codec<number> = {
  write(w, value) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 28)
      throw new CodecError(`${value} is not a varint`);
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) w.byte((rest & 0x7f) | 0x80);
    w.byte(rest);
  },
  read(r) {
    for (let value = 0, shift = 0; shift < 28; shift += 7) {
      const b = r.byte();
      value |= (b & 0x7f) << shift;
      if (b === 0 && shift) throw new CodecError('varint is not minimal');
      if (b < 0x80) return value;
    }
    throw new CodecError('varint is too long');
  },
};

function length(max: number): Codec<number> {
  const check = (n: number) => {
    if (n > max) throw new CodecError(`length ${n} is over ${max}`);
    return n;
  };
  return { write: (w, n) => varint.write(w, check(n)), read: (r) => check(varint.read(r)) };
}

export const bytes = (size: number): Codec<Uint8Array> => ({
  write(w, value) {
    if (value.length !== size) throw new CodecError(`${value.length} bytes, not ${size}`);
    w.bytes(value);
  },
  read: (r) => r.bytes(size),
});
export const hash32 = bytes(32);

// @__NO_SIDE_EFFECTS__
export function blob(max: number): Codec<Uint8Array> {
  const size = length(max);
  return {
    write(w, value) {
      size.write(w, value.length);
      w.bytes(value);
    },
    read: (r) => r.bytes(size.read(r)),
  };
}

/** UTF-8 text of at most `max` bytes; invalid UTF-8 is rejected. */
export function text(max: number): Codec<string> {
  const inner = blob(max);
  return {
    write: (w, value) => inner.write(w, new TextEncoder().encode(value)),
    read(r) {
      try {
        // ignoreBOM: the default would drop a BOM, and the value would re-encode differently.
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(inner.read(r));
      } catch (e) {
        if (e instanceof CodecError) throw e;
        throw new CodecError('not UTF-8', { cause: e });
      }
    },
  };
}

// @__NO_SIDE_EFFECTS__ -- a bundle leaves out what it does not use
export function list<T>(item: Codec<T>, max: number): Codec<T[]> {
  const size = length(max);
  return {
    write(w, values) {
      size.write(w, values.length);
      for (const v of values) item.write(w, v);
    },
    read: (r) => Array.from({ length: size.read(r) }, () => item.read(r)),
  };
}

/** One byte, 0 or 1, then the value if 1. */
export const optional = <T>(item: Codec<T>): Codec<T | null> => ({
  write(w, value) {
    w.byte(value === null ? 0 : 1);
    if (value !== null) item.write(w, value);
  },
  read(r) {
    const tag = r.byte();
    if (tag > 1) throw new CodecError(`${tag} is not an option tag`);
    return tag ? item.read(r) : null;
  },
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a codec takes and gives its value: only any fits all
type Fields = Record<string, Codec<any>>;
type Struct<F extends Fields> = { [K in keyof F]: Value<F[K]> };

/** Fields are written in the order they are declared. */
// @__NO_SIDE_EFFECTS__ -- a bundle leaves out what it does not use
export function struct<F extends Fields>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields);
  return {
    write(w, value) {
      for (const [name, codec] of entries) codec.write(w, value[name]);
    },
    read: (r) =>
      Object.fromEntries(entries.map(([name, codec]) => [name, codec.read(r)])) as Struct<F>,
  };
}

/** Cases of a union by name, each with its tag: the byte that identifies the case on the wire. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as for Fields
type Tagged = Record<string, readonly [tag: number, struct: Codec<any>]>;
type Cases<C extends Tagged> = { [K in keyof C]: { type: K } & Value<C[K][1]> }[keyof C];

/**
 * Tagged union of structs: one tag byte, then the fields of the case. A tag is written beside its case
 * and not taken from the case's place, so that no reordering of the source renumbers a format.
 */
// @__NO_SIDE_EFFECTS__ -- a bundle leaves out what it does not use
export function union<C extends Tagged>(cases: C): Codec<Cases<C>> {
  const names = new Map<number, string>();
  for (const [name, [tag]] of Object.entries(cases)) {
    assert(Number.isInteger(tag) && tag >= 0 && tag <= 0xff, `the tag of ${name} is one byte`);
    assert(!names.has(tag), `the tag of ${name} is not that of ${names.get(tag)}`);
    names.set(tag, name);
  }

  return {
    write(w, value) {
      const name = String(value.type);
      const found = Object.hasOwn(cases, name) ? cases[name] : undefined;
      if (!found) throw new CodecError(`unknown case ${name}`);
      const [tag, fields] = found;
      w.byte(tag);
      fields.write(w, value);
    },
    read(r) {
      const name = names.get(r.byte());
      if (name === undefined) throw new CodecError('unknown tag');
      const [, fields] = cases[name]!;
      return { type: name, ...fields.read(r) } as Cases<C>;
    },
  };
}
