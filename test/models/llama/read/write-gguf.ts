/** Writes GGUF files (specified at github.com/ggml-org/ggml), wrong ones too: nothing that is written is checked. */

/** A value: a type of the format, and what it holds. */
export type Value =
  | readonly ['u32' | 'i32' | 'f32' | 'u64' | 'bool', number]
  | readonly ['text', string]
  | readonly ['texts', readonly string[]]
  | readonly ['i32s', readonly number[]];

export interface WrittenTensor {
  readonly name: string;
  /** Rows first, as everywhere but in the file. */
  readonly dims: readonly number[];
  /** The number of its type. */
  readonly type: number;
  readonly bytes: Uint8Array;
  /** Another place than the next one. */
  readonly from?: bigint;
}

export interface WrittenGguf {
  readonly version?: number;
  readonly fields: readonly (readonly [name: string, value: Value])[];
  readonly tensors: readonly WrittenTensor[];
  readonly alignment?: number;
  /** Other counts than the true ones. */
  readonly counts?: { readonly tensors?: bigint; readonly fields?: bigint };
}

const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9, u64: 10 } as const;

/** Numbers and texts one after the other. */
export class Writer {
  readonly #parts: Uint8Array[] = [];
  size = 0;

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.size += bytes.length;
    return this;
  }
  #view(size: number, set: (view: DataView) => void): this {
    const view = new DataView(new ArrayBuffer(size));
    set(view);
    return this.bytes(new Uint8Array(view.buffer));
  }
  u32 = (value: number): this => this.#view(4, (v) => v.setUint32(0, value, true));
  u64 = (value: bigint): this => this.#view(8, (v) => v.setBigUint64(0, value, true));
  f32 = (value: number): this => this.#view(4, (v) => v.setFloat32(0, value, true));

  text(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u64(BigInt(bytes.length)).bytes(bytes);
  }
  pad(alignment: number): this {
    return this.bytes(new Uint8Array((alignment - (this.size % alignment)) % alignment));
  }
  joined(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

function writeValue(out: Writer, [type, value]: Value): void {
  if (type === 'texts') {
    out.u32(TYPE.list).u32(TYPE.text).u64(BigInt(value.length));
    for (const text of value) out.text(text);
  } else if (type === 'i32s') {
    out.u32(TYPE.list).u32(TYPE.i32).u64(BigInt(value.length));
    for (const number of value) out.u32(number >>> 0);
  } else {
    out.u32(TYPE[type]);
    if (type === 'text') out.text(value);
    else if (type === 'f32') out.f32(value);
    else if (type === 'u64') out.u64(BigInt(value));
    else if (type === 'bool') out.bytes(Uint8Array.of(value));
    else out.u32(value >>> 0);
  }
}

export function writeGguf(file: WrittenGguf): Uint8Array {
  const { version = 3, fields, tensors, alignment = 32, counts } = file;
  const out = new Writer().bytes(new TextEncoder().encode('GGUF')).u32(version);
  out.u64(counts?.tensors ?? BigInt(tensors.length)).u64(counts?.fields ?? BigInt(fields.length));
  for (const [name, value] of fields) writeValue(out.text(name), value);
  const data = new Writer();
  for (const { name, dims, type, bytes, from } of tensors) {
    out.text(name).u32(dims.length);
    for (const d of dims.toReversed()) out.u64(BigInt(d));
    out.u32(type).u64(from ?? BigInt(data.size));
    data.bytes(bytes).pad(alignment);
  }
  return out.pad(alignment).bytes(data.joined()).joined();
}
