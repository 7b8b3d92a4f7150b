/** A GGUF file again with all matrices as Q8_0: what llama.cpp and wllama run beside weights of 7 bits. */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openFile } from '../../models/import/checkpoint/files.ts';
import { Cursor, bytesOfType, scalar } from '../../models/import/llama/read/gguf-cursor.ts';
import { Gguf } from '../../models/import/llama/read/gguf.ts';
import type { Bytes } from '../../models/import/safetensors.ts';

const [F32, Q8_0, LIST] = [0, 8, 9];
const BLOCK = 32;
const BLOCK_BYTES = 34;
const ALIGNMENT = 32;
const COUNT_MAX = 2 ** 20;

interface Tensor {
  readonly name: string;
  /** Columns first. */
  readonly dims: readonly number[];
}

/** Where the metadata ends, and the tensors. */
function headerOf(bytes: Bytes): { end: number; tensors: Tensor[] } {
  const cursor = new Cursor(bytes, 'gguf', 8);
  const [tensors, fields] = [cursor.count(COUNT_MAX), cursor.count(COUNT_MAX)];
  for (let i = 0; i < fields; i++) {
    cursor.skipText();
    const type = cursor.u32();
    if (type !== LIST) {
      scalar(cursor, type);
      continue;
    }
    const size = bytesOfType(cursor.u32());
    const count = cursor.count(COUNT_MAX);
    if (size) cursor.skip(count, size);
    else for (let j = 0; j < count; j++) cursor.skipText();
  }
  const { at: end } = cursor;
  const list = Array.from({ length: tensors }, () => {
    const name = cursor.text(256);
    const dims = Array.from({ length: cursor.u32() }, () => cursor.count(2 ** 32));
    cursor.skip(1, 12);
    return { name, dims };
  });
  return { end, tensors: list };
}

const halfOf = new Float16Array(1);

/** Blocks of 32: a scale in float16, and the nearest whole numbers of it, as ggml's `quantize_row_q8_0_ref`. */
function blocksOf(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK;
  const view = new DataView(new ArrayBuffer(blocks * BLOCK_BYTES));
  for (let b = 0; b < blocks; b++) {
    const block = values.subarray(b * BLOCK, (b + 1) * BLOCK);
    const scale = Math.max(...block.map(Math.abs)) / 127;
    halfOf[0] = scale;
    view.setUint16(b * BLOCK_BYTES, new Uint16Array(halfOf.buffer)[0]!, true);
    for (const [i, x] of block.entries())
      view.setInt8(b * BLOCK_BYTES + 2 + i, scale ? Math.round(x / scale) : 0);
  }
  return new Uint8Array(view.buffer);
}

/** Writes the file `to`. Vectors stay float32. */
function requantise(bytes: Bytes, to: string): void {
  const gguf = new Gguf(bytes, 'gguf');
  const { end, tensors } = headerOf(bytes);
  const file = openSync(to, 'w');
  let written = 0;
  const write = (part: Uint8Array): void => void (written += writeSync(file, part));
  const pad = (): void => write(new Uint8Array((ALIGNMENT - (written % ALIGNMENT)) % ALIGNMENT));
  write(bytes.read(0, end));
  let from = 0;
  for (const { name, dims } of tensors) {
    const count = dims.reduce((product, d) => product * d, 1);
    const isMatrix = dims.length === 2;
    const text = new TextEncoder().encode(name);
    const head = new DataView(new ArrayBuffer(8 + text.length + 4 + 8 * dims.length + 12));
    head.setBigUint64(0, BigInt(text.length), true);
    new Uint8Array(head.buffer).set(text, 8);
    let at = 8 + text.length;
    head.setUint32(at, dims.length, true);
    at += 4;
    for (const d of dims) {
      head.setBigUint64(at, BigInt(d), true);
      at += 8;
    }
    head.setUint32(at, isMatrix ? Q8_0 : F32, true);
    head.setBigUint64(at + 4, BigInt(from), true);
    write(new Uint8Array(head.buffer));
    const size = isMatrix ? (count / BLOCK) * BLOCK_BYTES : 4 * count;
    from += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  }
  pad();
  for (const { name, dims } of tensors) {
    const values = gguf.rows(name, dims.toReversed()).read();
    write(dims.length === 2 ? blocksOf(values) : new Uint8Array(values.buffer));
    pad();
  }
  closeSync(file);
}

/** Made once. @param gguf a file that is there. @returns path of the same in Q8_0, in `folder` */
export function q8File(gguf: string, folder: string): string {
  const to = join(folder, `${basename(gguf).split('-')[0]!.toLowerCase()}-q8_0.gguf`);
  if (existsSync(to)) return to;
  const file = openFile(dirname(gguf), basename(gguf))!;
  requantise(file, to);
  file.close();
  return to;
}
