/**
 * Files from an attacker: changed bytes of good ones, and bombs that are small but unfold. Each must
 * be read or refused, with a sentence or a code, soon.
 */
import protobuf from 'protobufjs/minimal.js';
import { concat, utf8 } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { checkModel } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { parseOnnx } from '../../src/miner/package/onnx.ts';
import { loadPackage, manifestToJson, parseManifest } from '../../src/miner/package/package.ts';
import type { Random } from '../sim/random.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const repeated = (part: Uint8Array, count: number): Bytes => {
  const all = new Uint8Array(part.length * count);
  for (let i = 0; i < count; i++) all.set(part, i * part.length);
  return all;
};
/** A protobuf field that holds bytes. */
const field = (number: number, content: Uint8Array): Bytes =>
  Uint8Array.from(
    protobuf.Writer.create()
      .uint32((number << 3) | 2)
      .bytes(content)
      .finish(),
  );
const GRAPH = 7;
const EMPTY = new Uint8Array();

/** ONNX files that unfold: `width`² messages in few bytes, deep, long or endless. */
const onnxBombs = (width: number): Record<string, Bytes> => {
  const attributes = field(1, repeated(field(5, EMPTY), width));
  const shape = field(2, field(1, field(2, repeated(field(1, EMPTY), width))));
  const deep = Array.from({ length: 5000 }).reduce<Bytes>((inner) => field(7, inner), EMPTY);
  return {
    'nodes of many attributes': field(GRAPH, repeated(attributes, width)),
    'inputs of many dimensions': field(GRAPH, repeated(field(11, shape), width)),
    'constants of many sizes': field(
      GRAPH,
      repeated(field(5, repeated(Uint8Array.of(8, 1), width)), width),
    ),
    'a message in a message, 5000 deep': deep,
    'a long name': field(GRAPH, field(2, new Uint8Array(width ** 2).fill(97))),
    'a length of 4 GiB': Uint8Array.of(58, 255, 255, 255, 255, 15),
    'a number without end': new Uint8Array(2 ** 20).fill(255),
    'zeros without end': new Uint8Array(2 ** 20),
  };
};

const manifestBombs = (): Record<string, Bytes> => ({
  'lists in lists': utf8('['.repeat(500_000) + ']'.repeat(500_000)) as Bytes,
  'lists without end': utf8('['.repeat(2 ** 20)) as Bytes,
  'a key of a megabyte': utf8(`{"${'k'.repeat(2 ** 20 - 8)}":1}`) as Bytes,
  'a number of a megabyte': utf8('9'.repeat(2 ** 20)) as Bytes,
  'half a million keys': utf8(`{${'"a":0,'.repeat(140_000)}"b":0}`) as Bytes,
});

/** Some bytes flipped, cut, repeated, moved, or a length made huge. */
export function damaged(bytes: Uint8Array, r: Random): Bytes {
  const copy = Uint8Array.from(bytes);
  const at = r.int(0, copy.length - 1);
  // Structure is at the ends, where there are no tables.
  const place = r.chance(0.5)
    ? at
    : r.chance(0.5)
      ? at % 256
      : Math.max(0, copy.length - 1 - (at % 2048));
  const kind = r.int(0, 5);
  if (kind === 0) return copy.slice(0, place);
  if (kind === 1) return copy.slice(place);
  const length = r.int(1, 64);
  if (kind === 2) copy.copyWithin(at, place, place + length);
  else if (kind === 3) copy.set([255, 255, 255, 255, 15].slice(0, copy.length - place), place);
  else
    for (let i = 0; i < r.int(1, 4); i++) copy[(place + i * i) % copy.length]! ^= 1 << r.int(0, 7);
  return copy;
}

type Json = Record<string, unknown>;
const ODD = [null, -1, 0.5, 1e999, 2 ** 32, 2 ** 53, '', 'x'.repeat(5000), [], {}, [[]], true];
/** One value, or one value inside a list, replaced by something odd. */
function oddManifest(model: ModelPackage, r: Random): Bytes {
  const json = JSON.parse(JSON.stringify(manifestToJson(model.manifest))) as Json;
  const key = r.pick(Object.keys(json));
  const value = json[key];
  if (Array.isArray(value) && value.length && r.chance(0.6)) {
    const item = r.pick(value) as Json;
    if (typeof item === 'object') item[r.pick(Object.keys(item))] = r.pick(ODD);
    else value[0] = r.pick(ODD);
  } else if (r.chance(0.2)) delete json[key];
  else json[key] = r.pick(ODD);
  return utf8(JSON.stringify(json)) as Bytes;
}

export interface Count {
  tried: number;
  taken: number;
  slowestMs: number;
  readonly faults: string[];
}

/** For people: neither empty nor a megabyte. */
const isClear = (sentence: string): boolean => sentence.length > 0 && sentence.length < 500;

/** `read` gives a sentence, throws an AppError, or takes the file. */
async function ask(count: Count, what: string, read: () => unknown): Promise<void> {
  const started = performance.now();
  count.tried++;
  try {
    const answer = await read();
    if (typeof answer !== 'string') count.taken++;
    else if (!isClear(answer)) count.faults.push(`${what}: ${answer.slice(0, 80)}`);
  } catch (e) {
    if (!(e instanceof AppError) || !isClear(e.message)) count.faults.push(`${what}: ${e}`);
  }
  count.slowestMs = Math.max(count.slowestMs, performance.now() - started);
}

/** `tries` damaged files of each kind, and all bombs. A list holds at most 4095 messages. */
export async function attackFiles(
  model: ModelPackage,
  tries: number,
  r: Random,
  width = 4095,
): Promise<Count> {
  const count: Count = { tried: 0, taken: 0, slowestMs: 0, faults: [] };
  const parse = (bytes: Uint8Array) => () => parseOnnx(bytes);
  for (const [what, bytes] of Object.entries(onnxBombs(width)))
    await ask(count, what, parse(bytes));
  for (const [what, bytes] of Object.entries(manifestBombs()))
    await ask(count, what, () => parseManifest(bytes));
  const json = utf8(JSON.stringify(manifestToJson(model.manifest)));
  const files: Record<string, Uint8Array> = { 'manifest.json': json };
  model.segments.forEach((bytes, i) => (files[`seg-${i}.onnx`] = bytes));
  model.tables.forEach((bytes, i) => (files[`table-${i}.bin`] = bytes));
  files['weights.bin'] = concat(
    ...[...new Set(model.weights)].map((w) => new Uint8Array(w.buffer)),
  );
  for (let i = 0; i < tries; i++) {
    const segment = r.int(0, model.segments.length - 1);
    const bytes = damaged(model.segments[segment]!, r);
    await ask(count, `damage ${i}`, parse(bytes));
    const segments = model.segments.with(segment, bytes);
    await ask(count, `model ${i}`, () => checkModel({ ...model, segments })?.sentence);
    const manifest = r.chance(0.5) ? oddManifest(model, r) : damaged(json, r);
    await ask(count, `manifest ${i}`, () => parseManifest(manifest));
    const file = r.pick(Object.keys(files));
    const changed = { ...files, [file]: damaged(files[file]!, r) };
    await ask(count, `package ${i}`, () => loadPackage(async (name) => changed[name]!));
  }
  return count;
}
