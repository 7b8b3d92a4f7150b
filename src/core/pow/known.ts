/**
 * What the steps of a model are tested with before a device, or a judge of one step, is believed
 * (docs/protocol.md §5.8). Step ℓ is segment ℓ−1 with the product before it.
 */
import { u32, utf8 } from '../../lib/bytes.ts';
import { contextKey, xof } from '../hash.ts';
import { carriesAt, unitShape, type Manifest, type Shape } from '../manifest.ts';
import { streamShort } from './blake3.ts';
import { fillDrawn } from './seed.ts';

/** What one step starts from. */
export type StepInput =
  | { readonly number: 1; readonly tokens: Uint32Array }
  | {
      /** ℓ, from 2 to L+1. */
      readonly number: number;
      /** A of linear ℓ−1, m×k row-major. */
      readonly a: Int8Array;
      /** Carries alive at linear ℓ−1, all sequences, row-major. */
      readonly carries: ReadonlyMap<string, Int32Array>;
    };

/** Longest input of a stream that our own compression takes. */
const SHORT_BYTES = 64;

/** The first `size` bytes of XOF_known(name ‖ u32 ℓ). A model's are many millions, and the library is slow. */
function knownStream(name: Uint8Array, number: number, size: number): Uint8Array {
  const input = new Uint8Array(name.length + 4);
  input.set(name);
  input.set(u32(number), name.length);
  if (input.length > SHORT_BYTES) return xof('known', size, input);
  const out = new Uint8Array(size);
  streamShort(contextKey('known'), input, out);
  return out;
}

/** The input with which step `number`, 1 to L+1, gives the known answer of that number. */
export function knownStep(m: Manifest, number: number, shape: Shape = unitShape(m)): StepInput {
  const rows = shape.sequences * shape.tokens;
  const name = utf8(m.name);
  if (number === 1) {
    const tokens = new Uint32Array(rows);
    fillDrawn(tokens, knownStream(name, 1, 4 * rows), 1, m.vocabulary - 1);
    return { number, tokens };
  }

  const { k, low, high } = m.linears[number - 2]!;
  const a = new Int8Array(rows * k);
  const carries = carriesAt(shape, number - 1);
  const entries = carries.reduce((sum, { size }) => sum + shape.sequences * size, a.length);
  const stream = knownStream(name, number, 4 * entries);
  fillDrawn(a, stream, low, high);
  let at = 4 * a.length;
  const drawn = carries.map((carry): [string, Int32Array] => {
    const values = new Int32Array(shape.sequences * carry.size);
    fillDrawn(values, stream.subarray(at), carry.low, carry.high);
    at += 4 * values.length;
    return [carry.name, values];
  });
  return { number, a, carries: new Map(drawn) };
}
