/**
 * Reads the safetensors format (github.com/huggingface/safetensors): a u64 header size, a JSON header,
 * then the tensors' bytes. The file is hostile: every number is checked before it is used, and only tensors that
 * somebody asks for are read.
 */
import { AppError } from '../../src/lib/errors.ts';
import { objectOf, parseJson, shown } from './checkpoint/json.ts';

const HEADER_BYTES_MAX = 16 * 2 ** 20;
const TENSORS_MAX = 8192;
const RANK_MAX = 8;
export const BYTES_OF = { F32: 4, F16: 2, BF16: 2 } as const;
export type FloatType = keyof typeof BYTES_OF;

/**
 * Bits of a number of each type of the format. What is none of them may lie in a file too, if nobody asks for it: then
 * its bytes are not counted.
 */
const BITS_OF: ReadonlyMap<string, number> = new Map([
  ...['F32', 'I32', 'U32'].map((type) => [type, 32] as const),
  ...['F16', 'BF16', 'I16', 'U16'].map((type) => [type, 16] as const),
  ...['F64', 'I64', 'U64', 'C64'].map((type) => [type, 64] as const),
  ...['BOOL', 'I8', 'U8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map((type) => [type, 8] as const),
  ...['F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((type) => [type, 8] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((type) => [type, 6] as const),
  ['F4', 4],
]);

/** Bytes that are read where they are needed, as of a file. */
export interface Bytes {
  readonly size: number;
  /** Bytes `from` to `to`, which lie inside. */
  read(from: number, to: number): Uint8Array;
}

export interface Tensors {
  readonly names: readonly string[];
  /**
   * Refuses what `read` would refuse, before any number is read.
   * @throws AppError MODEL_REFUSED: missing, another shape, no floats; MODEL_CORRUPT
   */
  check(name: string, dims: readonly number[]): void;
  /**
   * A tensor's numbers, row-major. `dims` is the shape that it must have.
   * @throws AppError as `check`, and MODEL_CORRUPT: a number that is not finite
   */
  read(name: string, dims: readonly number[]): Float32Array;
}

/** Tensors of which parts can be read. */
export interface RowTensors extends Tensors {
  /** Rows `from` to `to` (not included) of a matrix, as `read`. @throws AppError as `read` */
  readRows(name: string, dims: readonly number[], from: number, to: number): Float32Array;
}

interface Entry {
  readonly type: string;
  readonly dims: readonly number[];
  readonly from: number;
  readonly to: number;
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
const quoted = (name: string): string => `'${name.slice(0, 160)}'`;

/** IEEE half precision, in float32. */
export function fromHalf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
}

/** Little-endian numbers in float32. */
export function toFloats(bytes: Uint8Array, type: FloatType): Float32Array {
  if (type === 'F32') return new Float32Array(bytes.slice().buffer);
  const words = new Uint16Array(bytes.slice().buffer);
  if (type === 'F16') return Float32Array.from(words, fromHalf);
  return new Float32Array(Uint32Array.from(words, (w) => w * 65_536).buffer);
}

/** A file's header, and the tensors that it promises. */
class File implements RowTensors {
  readonly #what: string;
  readonly #bytes: Bytes;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** Where the tensors' bytes begin. */
  readonly #data: number;

  constructor(bytes: Bytes, what: string) {
    this.#bytes = bytes;
    this.#what = what;
    if (bytes.size < 8) throw this.#corrupt('the file has no header');
    const head = bytes.read(0, 8);
    const size = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
    if (size > HEADER_BYTES_MAX || size > bytes.size - 8)
      throw this.#corrupt(
        `a header of ${size} bytes in a file of ${bytes.size}; ${HEADER_BYTES_MAX} are the most`,
      );
    this.#data = 8 + size;
    this.#entries = this.#entriesOf(bytes.read(8, this.#data));
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  check(name: string, dims: readonly number[]): void {
    this.#floats(name, dims);
  }

  read(name: string, dims: readonly number[]): Float32Array {
    return this.readRows(name, dims, 0, dims[0] ?? 1);
  }

  readRows(name: string, dims: readonly number[], from: number, to: number): Float32Array {
    const { type, from: begin } = this.#floats(name, dims);
    const rowBytes = dims.slice(1).reduce((bytes, d) => bytes * d, BYTES_OF[type]);
    const at = (row: number): number => this.#data + begin + row * rowBytes;
    const values = toFloats(this.#bytes.read(at(from), at(to)), type);
    if (!values.every(Number.isFinite))
      throw this.#corrupt(`${quoted(name)} holds a number that is none`);
    return values;
  }

  #corrupt = (message: string): AppError =>
    new AppError('MODEL_CORRUPT', `${this.#what}: ${message}`);

  #floats(name: string, dims: readonly number[]): Entry & { readonly type: FloatType } {
    const refuse = (message: string) =>
      new AppError('MODEL_REFUSED', `${this.#what}: ${quoted(name)} ${message}`);
    const entry = this.#entries.get(name);
    if (!entry) throw refuse('is not there');
    if (!Object.hasOwn(BYTES_OF, entry.type))
      throw refuse(`is ${entry.type}, not a float of 16 or 32 bits`);
    if (entry.dims.join() !== dims.join()) throw refuse(`is [${entry.dims}], not [${dims}]`);
    return entry as Entry & { readonly type: FloatType };
  }

  #entriesOf(header: Uint8Array): Map<string, Entry> {
    const found = Object.entries(
      objectOf(parseJson(this.#headerText(header), `${this.#what}: the header`), this.#what),
    ).filter(([name]) => name !== '__metadata__');
    if (found.length > TENSORS_MAX) throw this.#corrupt(`${found.length} tensors`);
    const entries = found.map(([name, value]) => [name, this.#entryOf(name, value)] as const);
    const dataBytes = this.#bytes.size - this.#data;
    let end = 0;
    for (const [name, { from, to }] of entries.toSorted(
      (a, b) => a[1].from - b[1].from || a[1].to - b[1].to,
    )) {
      if (from !== end)
        throw this.#corrupt(`${quoted(name)} begins at ${from}, not at ${end}: overlap or hole`);
      end = to;
    }
    if (end !== dataBytes) throw this.#corrupt(`${dataBytes - end} bytes belong to no tensor`);
    return new Map(entries);
  }

  #headerText(header: Uint8Array): string {
    let text: string;
    try {
      // A mark of the byte order is no part of the format, and must not vanish.
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    } catch {
      throw this.#corrupt('the header is not JSON');
    }
    if (!text.startsWith('{')) throw this.#corrupt('the header is not JSON that begins with {');
    return text;
  }

  #entryOf(name: string, value: unknown): Entry {
    const fields = Object(value) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    const { dtype: type, shape: dims, data_offsets: offsets } = fields;
    if (typeof type !== 'string' || !/^\w{1,32}$/.test(type))
      throw this.#corrupt(`dtype of ${quoted(name)} is no type`);
    if (!Array.isArray(dims) || dims.length > RANK_MAX || !dims.every(isCount))
      throw this.#corrupt(`shape of ${quoted(name)} is no shape`);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
      throw this.#corrupt(`data_offsets of ${quoted(name)} are no place`);
    const [from, to] = offsets as [number, number];
    const dataBytes = this.#bytes.size - this.#data;
    const bits = BITS_OF.get(type);
    const bytes = bits === undefined ? to - from : dims.reduce((p, d) => p * d, bits / 8);
    if (from > to || to > dataBytes || to - from !== bytes)
      throw this.#corrupt(
        `data_offsets of ${quoted(name)} are ${from}..${to} of ${dataBytes} bytes; it needs ${bytes}`,
      );
    return { type, dims, from, to };
  }
}

/** @param what the file, for messages @throws AppError MODEL_CORRUPT */
export const openSafetensors = (bytes: Bytes, what: string): RowTensors => new File(bytes, what);

/** Of a file that is in memory. @throws AppError MODEL_CORRUPT */
export const parseSafetensors = (file: Uint8Array): RowTensors =>
  openSafetensors(
    { size: file.length, read: (from, to) => file.subarray(from, to) },
    'safetensors',
  );

/** Files of one checkpoint. The largest that is read has a few. */
const SHARDS_MAX = 64;

/**
 * A checkpoint in several files, by its model.safetensors.index.json.
 * @param shards the files, by the names that the index has
 * @throws AppError MODEL_CORRUPT
 */
export function joinShards(
  index: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, RowTensors>,
  what: string,
): RowTensors {
  const corrupt = (message: string) => new AppError('MODEL_CORRUPT', `${what}: ${message}`);
  const holders = new Map<string, string>();
  for (const [file, { names }] of shards)
    for (const name of names) {
      const other = holders.get(name);
      if (other !== undefined) throw corrupt(`${quoted(name)} lies in ${other} and in ${file}`);
      holders.set(name, file);
    }
  for (const [name, file] of index)
    if (holders.get(name) !== file) throw corrupt(`weight_map: ${quoted(name)} is not in ${file}`);
  const of = (name: string): RowTensors => {
    const file = index.get(name);
    if (file === undefined)
      throw new AppError('MODEL_REFUSED', `${what}: weight_map has no ${quoted(name)}`);
    return shards.get(file)!;
  };
  return {
    names: [...index.keys()],
    check: (name, dims) => of(name).check(name, dims),
    read: (name, dims) => of(name).read(name, dims),
    readRows: (name, dims, from, to) => of(name).readRows(name, dims, from, to),
  };
}

/** Name of a tensor → file, of an index. @throws AppError MODEL_CORRUPT */
export function shardsOf(parsed: unknown, what: string): Map<string, string> {
  const map = objectOf(objectOf(parsed, what).weight_map, `${what}: weight_map`);
  const found = Object.entries(map);
  const files = new Set(found.map(([, file]) => file));
  const odd = [...files].find((file) => typeof file !== 'string' || !SHARD.test(file));
  if (odd !== undefined)
    throw new AppError('MODEL_CORRUPT', `${what}: weight_map: ${shown(odd)} is no file of it`);
  if (!files.size || files.size > SHARDS_MAX || found.length > TENSORS_MAX)
    throw new AppError(
      'MODEL_CORRUPT',
      `${what}: weight_map has ${found.length} tensors in ${files.size} files`,
    );
  return new Map(found as [string, string][]);
}

/**
 * A checkpoint in several files.
 * @param parsed model.safetensors.index.json, which is `what`
 * @param open a file that it names, or refuses it
 * @throws AppError MODEL_CORRUPT
 */
export function openShards(
  parsed: unknown,
  what: string,
  open: (file: string) => Bytes,
): RowTensors {
  const index = shardsOf(parsed, what);
  const shards = [...new Set(index.values())].map(
    (file) => [file, openSafetensors(open(file), file)] as const,
  );
  return joinShards(index, new Map(shards), what);
}

/** A file beside the index. */
const SHARD = /^(?!\.)[\w.-]{1,128}\.safetensors$/;

/** A file of tensors whose numbers are bytes already: for models that are generated. */
export function encodeTensors(
  tensors: ReadonlyMap<string, { type: string; dims: readonly number[]; bytes: Uint8Array }>,
): Uint8Array {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { type, dims, bytes }] of tensors) {
    const to = at + bytes.length;
    header[name] = { dtype: type, shape: dims, data_offsets: [at, to] };
    at = to;
  }
  const text = JSON.stringify(header);
  const head = new TextEncoder().encode(text + ' '.repeat((8 - (text.length % 8)) % 8));
  const file = new Uint8Array(8 + head.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let place = 8 + head.length;
  for (const { bytes } of tensors.values()) {
    file.set(bytes, place);
    place += bytes.length;
  }
  return file;
}

/** A file of float32 tensors. */
export const encodeSafetensors = (
  tensors: ReadonlyMap<string, { dims: readonly number[]; values: Float32Array }>,
): Uint8Array =>
  encodeTensors(
    new Map(
      [...tensors].map(([name, { dims, values }]) => {
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        return [name, { type: 'F32', dims, bytes }];
      }),
    ),
  );
