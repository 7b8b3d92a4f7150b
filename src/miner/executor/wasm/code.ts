/** The part of WebAssembly's binary format that row programs are written in. */

/** Bytes of instructions. */
export type Code = number[];
/** Unsigned and signed LEB128. */
export function u(n: number): Code {
  const out: Code = [];
  do {
    const low = n & 127;
    n >>>= 7;
    out.push(n ? low | 128 : low);
  } while (n);
  return out;
}
function s(n: number): Code {
  const out: Code = [];
  for (;;) {
    const low = n & 127;
    n >>= 7;
    const done = (n === 0 && !(low & 64)) || (n === -1 && low & 64);
    out.push(done ? low : low | 128);
    if (done) return out;
  }
}
const vector = (items: readonly Code[]): Code => [...u(items.length), ...items.flat()];
const section = (id: number, body: Code): Code => [id, ...u(body.length), ...body];
const text = (name: string): Code => vector([...new TextEncoder().encode(name)].map((c) => [c]));

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
const FUNCTION = 0x60;

export const get = (local: number): Code => [0x20, ...u(local)];
export const set = (local: number): Code => [0x21, ...u(local)];
export const tee = (local: number): Code => [0x22, ...u(local)];
export const constant = (n: number): Code => [0x41, ...s(n)];
export const ADD: Code = [0x6a];
export const MUL: Code = [0x6c];
export const SHIFT_RIGHT: Code = [0x76];
export const LESS: Code = [0x49];
/** The halves of an int64 as int32. */
export const LOW_HALF: Code = [0xa7];
export const HIGH_HALF: Code = [0x42, ...s(32), 0x88, ...LOW_HALF];
export const LOOP: Code = [0x03, 0x40];
/** Ends a block; jumps back to the innermost loop where the number on the stack is not 0. */
export const END: Code = [0x0b];
export const AGAIN: Code = [0x0d, 0];
export const loadInt = (offset: number): Code => [0x28, 2, ...u(offset)];

/** SIMD instructions by name: number, and the alignment of what they address. */
const SIMD = {
  load: 0x00,
  load16x4: 0x03,
  load16Splat: 0x08,
  load8Splat: 0x07,
  load32Splat: 0x09,
  store: 0x0b,
  constant: 0x0c,
  shuffle: 0x0d,
  extractLong: 0x1d,
  splatInt: 0x11,
  less: 0x43,
  more: 0x44,
  atMost: 0x45,
  atLeast: 0x46,
  and: 0x4e,
  select: 0x52,
  store8Lane: 0x58,
  store16Lane: 0x59,
  store32Lane: 0x5a,
  store64Lane: 0x5b,
  load32Zero: 0x5c,
  load32Lane: 0x56,
  narrow16: 0x65,
  floor: 0x68,
  narrow32: 0x85,
  extend8: 0x87,
  least16: 0x96,
  most16: 0x98,
  extend16: 0xa7,
  shiftLeft: 0xab,
  shiftRight: 0xac,
  addInt: 0xae,
  subInt: 0xb1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  pmin: 0xea,
  pmax: 0xeb,
  truncate: 0xf8,
  convert: 0xfa,
} as const;
export type Simd = keyof typeof SIMD;
export const simd = (name: Simd, ...rest: readonly Code[]): Code => [
  0xfd,
  ...u(SIMD[name]),
  ...rest.flat(),
];
/** An address on the stack plus `offset`; no alignment is promised. */
export const at = (offset: number): Code => [0, ...u(offset)];

const lanes = (bytes: Uint8Array): Code =>
  simd('constant', [...bytes, ...bytes, ...bytes, ...bytes]);
/** One float32, or the int32 of these bits, in all four lanes. */
export const splat = (x: number): Code => lanes(new Uint8Array(Float32Array.of(x).buffer));
export const splatBits = (x: number): Code => lanes(new Uint8Array(Int32Array.of(x).buffer));
/** All bits in the first `count` of four lanes. */
export const maskOf = (count: number): Code =>
  simd(
    'constant',
    Array.from({ length: 16 }, (_, i) => (i < 4 * count ? 0xff : 0)),
  );

export interface WasmFunction {
  readonly locals: readonly number[];
  readonly code: Code;
}

/** A module of functions (i32, i32) → () on the imported memory `env.memory`, exported as `f<i>`. */
export function moduleOf(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const bodies = functions.map(({ locals, code }) => {
    const runs: [number, number][] = [];
    for (const type of locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const body = [...vector(runs.map(([n, type]) => [...u(n), type])), ...code, ...END];
    return [...u(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[FUNCTION, ...vector([[I32], [I32]]), ...vector([])]])),
    ...section(2, vector([[...text('env'), ...text('memory'), 2, 0, ...u(1)]])),
    ...section(3, vector(functions.map(() => u(0)))),
    ...section(7, vector(functions.map((_, i) => [...text(`f${i}`), 0, ...u(i)]))),
    ...section(10, vector(bodies)),
  ]);
}
