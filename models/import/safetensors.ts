/**
 * Reads the safetensors format (github.com/huggingface/safetensors): a u64 header size, a JSON header,
 * then the tensors' bytes. The file is hostile: every number is checked before it is used.
 */
import { AppError } from '../../src/lib/errors.ts';

const HEADER_BYTES_MAX = 16 * 2 ** 20;
const TENSORS_MAX = 8192;
export const BYTES_OF = { F32: 4, F16: 2, BF16: 2 } as const;
/** Types that may lie in a file, but that nothing here reads: position ids, for one. */
const OTHERS: Readonly<Record<string, number>> = { F64: 8, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1 };

const corrupt = (message: string): AppError =>
  new AppError('MODEL_CORRUPT', `safetensors: ${message}`);

interface Entry {
  readonly type: string;
  readonly dims: readonly number[];
  readonly from: number;
  readonly to: number;
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

function entryOf(name: string, value: unknown, dataBytes: number): Entry {
  const fields = Object(value) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const { dtype, shape, data_offsets: offsets } = fields;
  const size =
    typeof dtype === 'string' ? (BYTES_OF[dtype as keyof typeof BYTES_OF] ?? OTHERS[dtype]) : 0;
  if (!size) throw corrupt(`'${name}' has the type ${String(dtype)}`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount))
    throw corrupt(`'${name}' has no shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw corrupt(`'${name}' has no place`);
  const [from, to] = offsets as [number, number];
  const bytes = shape.reduce((p, d) => p * d, size);
  if (to > dataBytes || to - from !== bytes)
    throw corrupt(`'${name}' lies at ${from}..${to} of ${dataBytes} bytes, and needs ${bytes}`);
  return { type: dtype as string, dims: shape, from, to };
}

/** IEEE half precision, in float32. */
function fromHalf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
}

/** Little-endian numbers in float32. */
export function toFloats(bytes: Uint8Array, type: keyof typeof BYTES_OF): Float32Array {
  if (type === 'F32') return new Float32Array(bytes.slice().buffer);
  const words = new Uint16Array(bytes.slice().buffer);
  if (type === 'F16') return Float32Array.from(words, fromHalf);
  return new Float32Array(Uint32Array.from(words, (w) => w * 65_536).buffer);
}

export interface Tensors {
  readonly names: readonly string[];
  /**
   * A tensor's numbers, row-major. `dims` is the shape that it must have.
   * @throws AppError MODEL_CORRUPT: missing, another shape or type, or a number that is not finite
   */
  read(name: string, dims: readonly number[]): Float32Array;
}

/**
 * A name that stands twice in one object of the JSON text: another reader could take the other tensor.
 * JSON.parse takes the last without a word.
 */
function nameTwice(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, name] of json.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g))
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (name !== undefined) {
      const key = JSON.parse(name) as string;
      if (open.at(-1)?.has(key)) return key;
      open.at(-1)?.add(key);
    }
  return undefined;
}

function entriesOf(header: Uint8Array, dataBytes: number): Map<string, Entry> {
  let parsed: unknown;
  let twice: string | undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    parsed = JSON.parse(text);
    twice = nameTwice(text);
  } catch {
    throw corrupt('the header is not JSON');
  }
  if (twice !== undefined) throw corrupt(`'${twice.slice(0, 80)}' is there twice`);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw corrupt('the header is not an object');
  const found = Object.entries(parsed).filter(([name]) => name !== '__metadata__');
  if (found.length > TENSORS_MAX) throw corrupt(`${found.length} tensors`);
  const entries = found.map(([name, value]) => [name, entryOf(name, value, dataBytes)] as const);
  let end = 0;
  for (const [name, { from, to }] of entries.toSorted(
    (a, b) => a[1].from - b[1].from || a[1].to - b[1].to,
  )) {
    if (from !== end) throw corrupt(`'${name}' begins at ${from}, not at ${end}: overlap or hole`);
    end = to;
  }
  if (end !== dataBytes) throw corrupt(`${dataBytes - end} bytes belong to no tensor`);
  return new Map(entries);
}

/** @throws AppError MODEL_CORRUPT */
export function parseSafetensors(file: Uint8Array): Tensors {
  if (file.length < 8) throw corrupt('the file has no header');
  const size = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (size > HEADER_BYTES_MAX || size > file.length - 8)
    throw corrupt(`a header of ${size} bytes in a file of ${file.length}`);
  const data = file.subarray(8 + size);
  const entries = entriesOf(file.subarray(8, 8 + size), data.length);
  return {
    names: [...entries.keys()],
    read(name, dims) {
      const entry = entries.get(name);
      if (!entry) throw corrupt(`there is no '${name}'`);
      if (entry.dims.join() !== dims.join())
        throw corrupt(`'${name}' is [${entry.dims}], not [${dims}]`);
      if (!(entry.type in BYTES_OF)) throw corrupt(`'${name}' is ${entry.type}, not a float`);
      const bytes = data.subarray(entry.from, entry.to);
      const values = toFloats(bytes, entry.type as keyof typeof BYTES_OF);
      if (!values.every(Number.isFinite)) throw corrupt(`'${name}' holds a number that is none`);
      return values;
    },
  };
}

/** A file of float32 tensors: for models that are generated. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, { dims: readonly number[]; values: Float32Array }>,
): Uint8Array {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dims, values }] of tensors) {
    const to = at + values.byteLength;
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [at, to] };
    at = to;
  }
  const text = JSON.stringify(header);
  const head = new TextEncoder().encode(text + ' '.repeat((8 - (text.length % 8)) % 8));
  const file = new Uint8Array(8 + head.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let place = 8 + head.length;
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place);
    place += values.byteLength;
  }
  return file;
}
