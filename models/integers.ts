/** Where a model's integers come from: `lingua` from its training, `tiny` from a seeded stream. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blake3 } from '@noble/hashes/blake3.js';
import { VOCABULARY, WIDTH, type IntegerEncoder, type IntegerLinear } from './encoder.ts';
import { sized } from './graph.ts';

const FFN = 512;
const PARTS = ['qkv', 'o', 'up', 'down'] as const;

interface Trained {
  readonly labels: string[];
  readonly layers: number;
  readonly heads: number;
  readonly offsets: number[];
  readonly powers: Record<string, number>;
  readonly arrays: { name: string; type: 'i1' | 'i2' | 'i4'; dims: number[]; at: number }[];
}

const ARRAY = { i1: Int8Array, i2: Int16Array, i4: Int32Array };

/** Integers that train.py wrote: trained.json names the arrays of trained.bin. */
export function trainedEncoder(folder: string): IntegerEncoder {
  const head = JSON.parse(readFileSync(join(folder, 'trained.json'), 'utf8')) as Trained;
  const file = readFileSync(join(folder, 'trained.bin'));
  const array = (name: string): Int8Array | Int16Array | Int32Array => {
    const entry = head.arrays.find((a) => a.name === name);
    if (!entry) throw new Error(`trained.bin has no ${name}`);
    const size = entry.dims.reduce((p, d) => p * d, 1) * ARRAY[entry.type].BYTES_PER_ELEMENT;
    return new ARRAY[entry.type](Uint8Array.from(file.subarray(entry.at, entry.at + size)).buffer);
  };
  const linear = (name: string): IntegerLinear => {
    const weight = array(`${name}.weight`) as Int8Array;
    const multiplier = array(`${name}.multiplier`);
    const [n, power] = [multiplier.length, head.powers[name]!];
    return { weight, n, k: weight.length / n, multiplier, bias: array(`${name}.bias`), power };
  };
  const layers = Array.from({ length: head.layers }, (_, i) => PARTS.map((p) => `${i}.${p}`));
  return {
    name: 'lingua',
    labels: head.labels,
    sequences: 2,
    tokens: 128,
    heads: head.heads,
    offsets: head.offsets,
    tables: array('tables'),
    positions: array('positions'),
    linears: layers.flat().map(linear),
    head: linear('head'),
  };
}

/** Uniform integers in lo..hi from a named stream; the same on every machine. */
const integers = (name: string, count: number, lo: number, hi: number): number[] => {
  const bytes = blake3(new TextEncoder().encode(`pila tiny ${name}`), { dkLen: 2 * count });
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from(
    { length: count },
    (_, i) => lo + Math.floor((words.getUint16(2 * i, true) * (hi - lo + 1)) / 65_536),
  );
};

function randomLinear(name: string, k: number, n: number, power: number): IntegerLinear {
  return {
    k,
    n,
    power,
    weight: Int8Array.from(sized(integers(`${name} weight`, n * k, -40, 40), [n, k])),
    multiplier: integers(`${name} multiplier`, n, 64, 127),
    bias: integers(`${name} bias`, n, -200_000, 200_000),
  };
}

/** One layer of random integers, scaled so that no activation is all zero or all clipped. */
export function tinyEncoder(): IntegerEncoder {
  const tokens = 16;
  return {
    name: 'tiny',
    labels: Array.from({ length: 16 }, (_, i) => `class ${i}`),
    sequences: 2,
    tokens,
    heads: 4,
    offsets: [-1, 0],
    tables: integers('tables', 2 * VOCABULARY * WIDTH, -150, 150),
    positions: integers('positions', tokens * WIDTH, -30, 30),
    linears: [
      randomLinear('qkv', WIDTH, 3 * WIDTH, 15),
      randomLinear('o', WIDTH, WIDTH, 14),
      randomLinear('up', WIDTH, FFN, 15),
      randomLinear('down', FFN, WIDTH, 16),
    ],
    head: randomLinear('head', WIDTH, 16, 12),
  };
}
