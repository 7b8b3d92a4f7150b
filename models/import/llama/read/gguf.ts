/**
 * The GGUF format, versions 2 and 3 (specified at github.com/ggml-org/ggml): metadata by name, a list of tensors, their
 * bytes. The file is hostile: every count is checked against what is left before it is used, lists are walked and read
 * only when somebody asks, and of the tensors only rows that are needed.
 */
import { AppError } from '../../../../src/lib/errors.ts';
import { shown } from '../../checkpoint/json.ts';
import type { Bytes } from '../../safetensors.ts';
import { bytesOfType, Cursor, scalar } from './gguf-cursor.ts';
import { GGML_TYPES, type GgmlType } from './ggml.ts';
import type { Rows } from './llama.ts';

const FIELDS_MAX = 4096;
const TENSORS_MAX = 8192;
/** Of a list: a tokenizer has a merge or two for each word. */
const ENTRIES_MAX = 2 ** 20;
const NAME_BYTES_MAX = 256;
const RANK_MAX = 4;
const DIMENSION_MAX = 2 ** 32;
const ALIGNMENT = 32;
const ALIGNMENT_MAX = 2 ** 16;
/** The type of values that is a list. */
const LIST = 9;

/** A list that was walked and not read. */
interface List {
  readonly of: number;
  readonly count: number;
  readonly at: number;
}
type Value = string | number | boolean | List;

function valueOf(cursor: Cursor): Value {
  const type = cursor.u32();
  if (type !== LIST) return scalar(cursor, type);
  const of = cursor.u32();
  const bytes = bytesOfType(of);
  if (bytes === undefined) throw cursor.corrupt(`is a list of type ${of}`);
  const count = cursor.count(ENTRIES_MAX);
  const list = { of, count, at: cursor.at };
  if (bytes) cursor.skip(count, bytes);
  else for (let i = 0; i < count; i++) cursor.skipText();
  return list;
}

interface Entry {
  readonly type: GgmlType;
  /** As the format has them: columns first. */
  readonly dims: readonly number[];
  /** Bytes from the beginning of the file. */
  readonly from: number;
  readonly bytes: number;
}

export class Gguf {
  readonly #what: string;
  readonly #bytes: Bytes;
  readonly #fields = new Map<string, Value>();
  readonly #tensors = new Map<string, Entry>();

  /** @param what the file, for messages @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
  constructor(bytes: Bytes, what: string) {
    [this.#bytes, this.#what] = [bytes, what];
    const cursor = new Cursor(bytes, what);
    this.#demandVersion(cursor);
    cursor.label = 'tensor_count';
    const tensors = cursor.count(TENSORS_MAX);
    cursor.label = 'metadata_kv_count';
    const fields = cursor.count(FIELDS_MAX);
    for (let i = 0; i < fields; i++) this.#readField(cursor, i);
    const entries = Array.from({ length: tensors }, (_, i) => this.#readEntry(cursor, i));
    this.#place(entries, cursor);
  }

  /** Names of the metadata. */
  get fields(): string[] {
    return [...this.#fields.keys()];
  }

  /** Names of the tensors. */
  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  /** One value; undefined where there is none, or a list. */
  value(name: string): string | number | boolean | undefined {
    const value = this.#fields.get(name);
    return typeof value === 'object' ? undefined : value;
  }

  isList(name: string): boolean {
    return typeof this.#fields.get(name) === 'object';
  }

  /** Entries of a list; undefined where there is none. @throws AppError MODEL_CORRUPT, with its name */
  list(name: string): (string | number | boolean)[] | undefined {
    const list = this.#fields.get(name);
    if (typeof list !== 'object') return undefined;
    const cursor = new Cursor(this.#bytes, this.#what, list.at);
    cursor.label = name;
    return Array.from({ length: list.count }, () => scalar(cursor, list.of));
  }

  /**
   * A tensor, of which nothing is read yet.
   * @param dims rows and columns, or the length of a vector
   * @throws AppError MODEL_REFUSED: missing, another shape
   */
  rows(name: string, dims: readonly number[]): Rows {
    const entry = this.#tensors.get(name);
    const refuse = (problem: string) =>
      new AppError('MODEL_REFUSED', `${this.#what}: '${name}' ${problem}`);
    if (!entry) throw refuse('is not there');
    const found = entry.dims.toReversed();
    if (found.join() !== dims.join()) throw refuse(`is [${found}], not [${dims}]`);
    const [rows, columns] = dims.length === 1 ? [1, dims[0]!] : (dims as [number, number]);
    const rowBytes = entry.bytes / rows;
    return {
      rows,
      columns,
      read: (from = 0, to = rows) => {
        const at = (row: number) => entry.from + row * rowBytes;
        const values = entry.type.floats(this.#bytes.read(at(from), at(to)));
        if (!values.every(Number.isFinite))
          throw new AppError(
            'MODEL_CORRUPT',
            `${this.#what}: '${name}' holds a number that is none`,
          );
        return values;
      },
    };
  }

  #demandVersion(cursor: Cursor): void {
    if (cursor.u32() !== 0x46554747) throw cursor.corrupt("does not begin with 'GGUF'");
    cursor.label = 'version';
    const version = cursor.u32();
    if (version !== 2 && version !== 3)
      throw new AppError(
        'MODEL_REFUSED',
        `${this.#what}: version is ${version}${version % 65_536 ? '' : ' (big-endian?)'}, not 2 or 3`,
      );
  }

  #readField(cursor: Cursor, i: number): void {
    cursor.label = `name ${i} of the metadata`;
    const name = cursor.text(NAME_BYTES_MAX);
    cursor.label = shown(name);
    if (this.#fields.has(name)) throw cursor.corrupt('is there twice');
    this.#fields.set(name, valueOf(cursor));
  }

  /** What the list says of a tensor; `from` counts from where the tensors begin. */
  #readEntry(cursor: Cursor, i: number): readonly [string, Entry] {
    cursor.label = `name ${i} of the tensors`;
    const name = cursor.text(NAME_BYTES_MAX);
    cursor.label = `tensor '${name}'`;
    const rank = cursor.u32();
    if (rank < 1 || rank > RANK_MAX) throw cursor.corrupt(`has ${rank} dimensions`);
    const dims = Array.from({ length: rank }, () => cursor.count(DIMENSION_MAX));
    const number = cursor.u32();
    const type = GGML_TYPES.get(number);
    if (!type) {
      const fit = [...GGML_TYPES.values()].map((one) => one.name).join(', ');
      throw new AppError(
        'MODEL_REFUSED',
        `${this.#what}: tensor '${name}' is of ggml's type ${number}; ${fit} fit`,
      );
    }
    const numbers = dims.reduce((product, d) => product * d, 1);
    if (!Number.isSafeInteger(numbers) || numbers < 1 || dims[0]! % type.block)
      throw cursor.corrupt(`is [${dims}] of ${type.name}, whose blocks have ${type.block}`);
    const from = cursor.number('u64');
    return [name, { type, dims, from, bytes: (numbers / type.block) * type.bytes }];
  }

  /** Tensors lie one after the other, each at a multiple of the alignment, and nothing else lies there. */
  #place(entries: readonly (readonly [string, Entry])[], cursor: Cursor): void {
    const name = 'general.alignment';
    const alignment = this.#fields.get(name) ?? ALIGNMENT;
    cursor.label = name;
    const isPower = typeof alignment === 'number' && Number.isInteger(Math.log2(alignment));
    if (!isPower || alignment < 1 || alignment > ALIGNMENT_MAX)
      throw cursor.corrupt(`is no power of two up to ${ALIGNMENT_MAX}`);
    const aligned = (at: number) => Math.ceil(at / alignment) * alignment;
    const data = aligned(cursor.at);
    let end = 0;
    for (const [tensor, entry] of entries.toSorted((a, b) => a[1].from - b[1].from)) {
      cursor.label = `tensor '${tensor}'`;
      if (this.#tensors.has(tensor)) throw cursor.corrupt('is there twice');
      if (entry.from !== aligned(end))
        throw cursor.corrupt(`begins at ${entry.from}, not at ${aligned(end)}: overlap or hole`);
      end = entry.from + entry.bytes;
      if (data + end > this.#bytes.size)
        throw cursor.corrupt(`ends at ${data + end} of ${this.#bytes.size} bytes`);
      this.#tensors.set(tensor, { ...entry, from: data + entry.from });
    }
    if (this.#bytes.size > data + aligned(end)) {
      cursor.label = 'the file';
      throw cursor.corrupt(`has ${this.#bytes.size - data - end} bytes that belong to no tensor`);
    }
  }
}
