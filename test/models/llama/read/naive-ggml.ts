/**
 * What a number of ggml's types is worth, one at a time and in whole numbers of any size: an oracle that shares no
 * arithmetic with the reader. Layouts by ggml's `ggml-common.h`.
 */

/** Bits `from` to `from + count` (not included) of bytes, the lowest of the first byte first. */
const bits = (bytes: Uint8Array, from: number, count: number): bigint => {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) {
    const bit = (bytes[(from + i) >> 3]! >> ((from + i) & 7)) & 1;
    value = 2n * value + BigInt(bit);
  }
  return value;
};

/** A half float in 2^−24. */
function half(bytes: Uint8Array, at: number): bigint {
  const all = bits(bytes, 8 * at, 16);
  const [exponent, fraction] = [(all >> 10n) & 31n, all & 1023n];
  const size = exponent ? (fraction + 1024n) << (exponent - 1n) : fraction;
  return all >> 15n ? -size : size;
}
const signed = (value: bigint, width: bigint): bigint =>
  value >> (width - 1n) ? value - (1n << width) : value;

/** Scale and least number of an eighth of a K block: twelve bytes of six bits each, in ggml's order. */
function sixBits(b: Uint8Array, at: number, eighth: number): [bigint, bigint] {
  const of = (byte: number, from: number, count: number) => bits(b, 8 * (at + byte) + from, count);
  if (eighth < 4) return [of(eighth, 0, 6), of(eighth + 4, 0, 6)];
  return [
    of(eighth + 4, 0, 4) + 16n * of(eighth - 4, 6, 2),
    of(eighth + 4, 4, 4) + 16n * of(eighth, 6, 2),
  ];
}

/** Four bits of number i of 32, of which sixteen bytes hold the first half low and the second high. */
const nibble = (b: Uint8Array, at: number, i: number) =>
  bits(b, 8 * (at + (i % 16)) + (i < 16 ? 0 : 4), 4);
/** Four bits of number i of 256, in quarters of 64 whose first half lies low. */
const nibbleOfK = (b: Uint8Array, at: number, i: number) =>
  bits(b, 8 * (at + 32 * Math.floor(i / 64) + (i % 32)) + (i % 64 < 32 ? 0 : 4), 4);

interface Naive {
  readonly number: number;
  readonly block: number;
  readonly bytes: number;
  /** Number i of a block in 2^−24, and where its half floats lie. */
  readonly value: (block: Uint8Array, i: number) => bigint;
  readonly halves: readonly number[];
}

export type Quantised = 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q4_K' | 'Q5_K' | 'Q6_K';

export const NAIVE: Readonly<Record<Quantised, Naive>> = {
  Q4_0: {
    number: 2,
    block: 32,
    bytes: 18,
    value: (b, i) => half(b, 0) * (nibble(b, 2, i) - 8n),
    halves: [0],
  },
  Q4_1: {
    number: 3,
    block: 32,
    bytes: 20,
    value: (b, i) => half(b, 0) * nibble(b, 4, i) + half(b, 2),
    halves: [0, 2],
  },
  Q5_0: {
    number: 6,
    block: 32,
    bytes: 22,
    value: (b, i) => half(b, 0) * (nibble(b, 6, i) + 16n * bits(b, 16 + i, 1) - 16n),
    halves: [0],
  },
  Q5_1: {
    number: 7,
    block: 32,
    bytes: 24,
    value: (b, i) => half(b, 0) * (nibble(b, 8, i) + 16n * bits(b, 32 + i, 1)) + half(b, 2),
    halves: [0, 2],
  },
  Q8_0: {
    number: 8,
    block: 32,
    bytes: 34,
    value: (b, i) => half(b, 0) * signed(bits(b, 8 * (2 + i), 8), 8n),
    halves: [0],
  },
  Q4_K: {
    number: 12,
    block: 256,
    bytes: 144,
    value: (b, i) => {
      const [scale, least] = sixBits(b, 4, Math.floor(i / 32));
      return half(b, 0) * scale * nibbleOfK(b, 16, i) - half(b, 2) * least;
    },
    halves: [0, 2],
  },
  Q5_K: {
    number: 13,
    block: 256,
    bytes: 176,
    value: (b, i) => {
      const [scale, least] = sixBits(b, 4, Math.floor(i / 32));
      const fifth = bits(b, 8 * (16 + (i % 32)) + Math.floor(i / 32), 1);
      return half(b, 0) * scale * (nibbleOfK(b, 48, i) + 16n * fifth) - half(b, 2) * least;
    },
    halves: [0, 2],
  },
  Q6_K: {
    number: 14,
    block: 256,
    bytes: 210,
    value: (b, i) => {
      const [part, quarter, l] = [Math.floor(i / 128), Math.floor((i % 128) / 32), i % 32];
      const low = bits(b, 8 * (64 * part + l + 32 * (quarter % 2)) + (quarter < 2 ? 0 : 4), 4);
      const high = bits(b, 8 * (128 + 32 * part + l) + 2 * quarter, 2);
      const scale = signed(bits(b, 8 * (192 + Math.floor(i / 16)), 8), 8n);
      return half(b, 208) * scale * (low + 16n * high - 32n);
    },
    halves: [208],
  },
};

/** Numbers of whole blocks, each rounded to float32 once. */
export function naiveFloats(type: Quantised, bytes: Uint8Array): Float32Array {
  const { block, bytes: size, value } = NAIVE[type];
  const out = new Float32Array((bytes.length / size) * block);
  for (let i = 0; i < out.length; i++) {
    const at = Math.floor(i / block) * size;
    // Below 2^53, so that the first conversion is exact.
    out[i] = Number(value(bytes.subarray(at, at + size), i % block)) / 2 ** 24;
  }
  return out;
}
