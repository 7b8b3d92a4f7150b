/**
 * Numbers of ggml's types in float32, bit for bit as ggml's own `dequantize_row_*` gives them: each is one or two
 * products of few bits, which are exact, and at most one sum that is rounded once.
 */
import { fromHalf, toFloats } from '../../safetensors.ts';

export interface GgmlType {
  readonly name: string;
  /** Numbers of a block, which lie beside each other in a row. */
  readonly block: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /** Numbers of whole blocks. */
  readonly floats: (bytes: Uint8Array) => Float32Array;
}

/** Writes the numbers of one block from `to` on; `at` is where its bytes begin. */
type Block = (view: DataView, at: number, out: Float32Array, to: number) => void;

function blocks(name: string, block: number, bytes: number, write: Block): GgmlType {
  return {
    name,
    block,
    bytes,
    floats(from) {
      const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
      const count = from.length / bytes;
      const out = new Float32Array(count * block);
      for (let i = 0; i < count; i++) write(view, i * bytes, out, i * block);
      return out;
    },
  };
}

const plain = (name: 'F32' | 'F16' | 'BF16', bytes: number): GgmlType => ({
  name,
  block: 1,
  bytes,
  floats: (from) => toFloats(from, name),
});

const half = (view: DataView, at: number): number => fromHalf(view.getUint16(at, true));

/** Blocks of 32: a scale, with `hasLeast` the least number, with `hasFifth` a fifth bit of each, then four bits of each. */
function halves({ hasLeast, hasFifth }: { hasLeast: boolean; hasFifth: boolean }): Block {
  const fifthAt = hasLeast ? 4 : 2;
  const bitsAt = fifthAt + (hasFifth ? 4 : 0);
  const middle = hasLeast ? 0 : hasFifth ? 16 : 8;
  return (view, at, out, to) => {
    const scale = half(view, at);
    const least = hasLeast ? half(view, at + 2) : -0;
    const fifths = hasFifth ? view.getUint32(at + fifthAt, true) : 0;
    // The low halves of sixteen bytes, then their high halves.
    for (let i = 0; i < 32; i++) {
      const bits = (view.getUint8(at + bitsAt + (i % 16)) >> (i < 16 ? 0 : 4)) & 15;
      const whole = (bits | (((fifths >>> i) & 1) << 4)) - middle;
      // To add −0 leaves every number as it is, −0 too.
      out[to + i] = whole * scale + least;
    }
  };
}

const bytesOf32: Block = (view, at, out, to) => {
  const scale = half(view, at);
  for (let i = 0; i < 32; i++) out[to + i] = view.getInt8(at + 2 + i) * scale;
};

/** Six bits of scale and six of the least number of each eighth of a K block, in twelve bytes. */
function scaleAndLeast(view: DataView, at: number, eighth: number): [number, number] {
  const byte = (i: number) => view.getUint8(at + i);
  if (eighth < 4) return [byte(eighth) & 63, byte(eighth + 4) & 63];
  const low = byte(eighth + 4);
  return [(low & 15) | ((byte(eighth - 4) >> 6) << 4), (low >> 4) | ((byte(eighth) >> 6) << 4)];
}

/** Blocks of 256 in eighths, with four bits of each number or, with `hasFifth`, five. */
function eighths(hasFifth: boolean): Block {
  return (view, at, out, to) => {
    const [scale, least] = [half(view, at), half(view, at + 2)];
    const bitsAt = at + 16 + (hasFifth ? 32 : 0);
    for (let eighth = 0; eighth < 8; eighth++) {
      const [s, m] = scaleAndLeast(view, at + 4, eighth);
      for (let i = 0; i < 32; i++) {
        const pair = view.getUint8(bitsAt + 32 * (eighth >> 1) + i);
        const bits = (pair >> (eighth % 2 ? 4 : 0)) & 15;
        const fifth = hasFifth ? ((view.getUint8(at + 16 + i) >> eighth) & 1) << 4 : 0;
        out[to + 32 * eighth + i] = scale * s * (bits | fifth) - least * m;
      }
    }
  };
}

/** Blocks of 256: low halves, two high bits each, a scale of 8 bits per sixteen, and one for all. */
const sixBits: Block = (view, at, out, to) => {
  const scale = half(view, at + 208);
  for (let i = 0; i < 256; i++) {
    const [part, inPart] = [i >> 7, i & 127];
    const quarter = inPart >> 5;
    const low = view.getUint8(at + 64 * part + (inPart & 63)) >> (quarter < 2 ? 0 : 4);
    const high = view.getUint8(at + 128 + 32 * part + (i & 31)) >> (2 * quarter);
    const whole = ((low & 15) | ((high & 3) << 4)) - 32;
    out[to + i] = scale * view.getInt8(at + 192 + (i >> 4)) * whole;
  }
};

/** Types by their number in a file: those that decoders of this class come in. */
export const GGML_TYPES: ReadonlyMap<number, GgmlType> = new Map([
  [0, plain('F32', 4)],
  [1, plain('F16', 2)],
  [2, blocks('Q4_0', 32, 18, halves({ hasLeast: false, hasFifth: false }))],
  [3, blocks('Q4_1', 32, 20, halves({ hasLeast: true, hasFifth: false }))],
  [6, blocks('Q5_0', 32, 22, halves({ hasLeast: false, hasFifth: true }))],
  [7, blocks('Q5_1', 32, 24, halves({ hasLeast: true, hasFifth: true }))],
  [8, blocks('Q8_0', 32, 34, bytesOf32)],
  [12, blocks('Q4_K', 256, 144, eighths(false))],
  [13, blocks('Q5_K', 256, 176, eighths(true))],
  [14, blocks('Q6_K', 256, 210, sixBits)],
  [30, plain('BF16', 2)],
]);
