/** Vectors of many texts, the float encoder's and a package's, kept on disk so that each is computed once. */
import { join } from 'node:path';
import type { Backend, ModelPackage } from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { Bert } from '../import/bert.ts';
import { encodeFloat, pool } from '../import/reference.ts';
import { keptFile, nameOf } from './kept-file.ts';

/** Texts of one file of the cache. */
const CHUNK = 500;
/** Rows of one pass of the float encoder, when its texts are short enough. */
const FLOAT_ROWS = 1024;

type Ids = readonly Uint32Array[];
/** Gives one vector a text. */
export type Vectors = (texts: Ids) => Promise<Float32Array[]>;

interface Cache {
  readonly folder: string;
  /** What the vectors follow from, beside the ids. */
  readonly key: string;
  /** Entries of a vector. */
  readonly width: number;
}

async function kept(
  { folder, key, width }: Cache,
  texts: Ids,
  compute: Vectors,
): Promise<Float32Array[]> {
  const out: Float32Array[] = [];
  for (let from = 0; from < texts.length; from += CHUNK) {
    const part = texts.slice(from, from + CHUNK);
    const name = nameOf(key, ...part.map((ids) => `\n${ids.join(' ')}`));
    const file = await keptFile(join(folder, `${name}.f32`), async () =>
      Buffer.concat((await compute(part)).map((r) => Buffer.from(r.buffer))),
    );
    const all = new Float32Array(new Uint8Array(file).buffer);
    for (const [i] of part.entries()) out.push(all.slice(i * width, (i + 1) * width));
  }
  return out;
}

/** Groups of places, each with as many texts as `fits` allows; those of one length together. */
function grouped(texts: Ids, fits: (count: number, longest: number) => boolean): number[][] {
  const groups: number[][] = [];
  const places = texts.map((_, i) => i).sort((a, b) => texts[a]!.length - texts[b]!.length);
  for (const place of places) {
    const last = groups.at(-1);
    if (last && fits(last.length + 1, texts[place]!.length)) last.push(place);
    else groups.push([place]);
  }
  return groups;
}

/** @param key names the weights */
export function floatVectors(bert: Bert, key: string, folder: string): Vectors {
  const compute: Vectors = async (texts) => {
    const out: Float32Array[] = [];
    for (const places of grouped(texts, (count, longest) => count * longest <= FLOAT_ROWS)) {
      const part = places.map((i) => texts[i]!);
      const rows = pool(
        bert,
        await encodeFloat(bert, part),
        part.map(({ length }) => length),
      );
      for (const [i, place] of places.entries()) out[place] = rows[i]!;
    }
    return out;
  };
  return (texts) => kept({ folder, key: `float ${key}`, width: bert.hidden }, texts, compute);
}

/** Each text in the shortest shape that holds it. */
export function exactVectors(model: ModelPackage, key: string, folder: string): Vectors {
  const { shapes, answerSize } = model.manifest;
  const order = shapes.map((s, at) => ({ ...s, at })).sort((a, b) => a.tokens - b.tokens);
  let backend: Backend | undefined;
  const compute: Vectors = async (texts) => {
    backend ??= await createCpuBackend(model);
    const out: Float32Array[] = [];
    const shapeOf = (length: number) => order.find(({ tokens }) => tokens >= length)!;
    const groups = order.flatMap((shape) => {
      const own = texts.flatMap((ids, i) => (shapeOf(ids.length) === shape ? [i] : []));
      return Array.from({ length: Math.ceil(own.length / shape.sequences) }, (_, i) => ({
        shape,
        places: own.slice(i * shape.sequences, (i + 1) * shape.sequences),
      }));
    });
    for (const { shape, places } of groups) {
      const tokens = new Uint32Array(places.length * shape.tokens);
      for (const [i, place] of places.entries()) tokens.set(texts[place]!, i * shape.tokens);
      const { answer } = await backend.pass({
        shape: shape.at,
        tokens,
        sigma0: undefined,
        limits: [],
        answerOnly: true,
      });
      for (const [i, place] of places.entries())
        out[place] = Float32Array.from(answer.subarray(i * answerSize, (i + 1) * answerSize));
    }
    return out;
  };
  return (texts) => kept({ folder, key: `exact ${key}`, width: answerSize }, texts, compute);
}
