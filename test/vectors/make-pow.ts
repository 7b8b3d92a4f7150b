/**
 * Writes test/vectors/pow/*.json as make.ts writes those of core: fixed values of the proof of work. What is large is
 * there as its hash. test/core/pow/vectors.test.ts asserts them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from '../../src/core/codec.ts';
import { HeaderCore, Proof } from '../../src/core/formats.ts';
import { plainHash } from '../../src/core/hash.ts';
import {
  carriesAt,
  credits,
  earned,
  Manifest,
  modelId,
  unitShape,
  type Carry,
} from '../../src/core/manifest.ts';
import { placeOf } from '../../src/core/light-safety.ts';
import { knownStep } from '../../src/core/pow/known.ts';
import { noisyRows, permutation } from '../../src/core/pow/noise.ts';
import { proofDigest } from '../../src/core/pow/proof.ts';
import {
  carriesHash,
  layerSeed,
  seedOf,
  stateHash,
  tokensOf,
} from '../../src/core/pow/seed.ts';
import { ticket, ticketLimits, tileMessage } from '../../src/core/pow/transcript.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { blankHeader, inventManifest } from '../oracle/forged-pass.ts';
import { inventedManifest } from '../oracle/manifests.ts';
import { naiveLinear } from '../oracle/naive-pass.ts';
import { packInput } from '../oracle/pack-input.ts';

const [M, K, N, R] = [16, 128, 32, 16];
/** As the file's note says. */
const activations = Int8Array.from({ length: M * K }, (_, i) => ((7 * i + 3) % 127) - 63);
const weights = Int8Array.from({ length: N * K }, (_, i) => ((11 * i + 5) % 127) - 63);
const narrow = Int16Array.from({ length: 48 }, (_, i) => 5 * i - 100);
const wide = Int32Array.from({ length: 16 }, (_, i) => 70_000 * i - 100_000);

const hashOf = (x: { buffer: ArrayBufferLike }): string =>
  toHex(plainHash(new Uint8Array(x.buffer as ArrayBuffer)));

/** One linear, and what is made on the way to it. */
function unit() {
  const core = { ...blankHeader(), time: 1_790_000_000_000, nonce: 42n, height: 7 };
  const sigma0 = seedOf(core);
  const shapes = [1, 2].map(() => ({ k: K, n: N, r: R }));
  const { manifest } = inventManifest(2, M / 2, shapes);
  const words = { ...manifest, packing: 'u16', vocabulary: 30_522 };
  const large = { ...manifest, packing: 'u24', vocabulary: 250_002 };
  const a = plainHash(new Uint8Array(activations));
  const b = plainHash(new Uint8Array(weights));
  const carries = [narrow, wide].map((x) => plainHash(new Uint8Array(x.buffer)));
  const y = carriesHash(carries);
  const x = stateHash(a, y);
  const sigma = layerSeed(sigma0, new Uint8Array(32), x, b, 1);
  const noisyA = noisyRows(sigma, 'a', 0, activations, K, R);
  const noisyB = noisyRows(sigma, 'b', 0, weights, K, R);
  const row = (of: Int8Array, i: number) => [...of.subarray(i * K, (i + 1) * K)];
  const message = tileMessage(noisyA, noisyB.subarray(16 * K), K, R);
  const size = { m: M, k: K, n: N, r: R };
  const naive = naiveLinear(size, 1, sigma0, new Uint8Array(32), activations, weights, y);
  return {
    note:
      'A[i] = ((7*i+3) mod 127)-63 row-major m*k, B^T[i] = ((11*i+5) mod 127)-63 row-major n*k, linear 1 of a ' +
      'model with B=2, S=8, V=257; two carries are alive: 48 int16 5*i-100, then 16 int32 70000*i-100000; ' +
      'byteTokens: input 0068ff; u16Tokens: V=30522, input 65003977; u24Tokens: V=250002, input 65000091d003',
    core: toHex(encode(HeaderCore, core)),
    shape: size,
    sigma0: toHex(sigma0),
    tokens: [...tokensOf(sigma0, manifest)],
    byteTokens: [...packInput(Uint8Array.of(0, 104, 255), manifest)],
    u16Tokens: [...packInput(fromHex('65003977')!, words)],
    u24Tokens: [...packInput(fromHex('65000091d003')!, large)],
    a: toHex(a),
    b: toHex(b),
    carries: carries.map(toHex),
    y: toHex(y),
    yOfNone: toHex(carriesHash([])),
    x: toHex(x),
    sigma: toHex(sigma),
    permutationA0: [...permutation(sigma, 'a', 0, R)],
    permutationB1: [...permutation(sigma, 'b', 1, R)],
    noisyRow15: row(noisyA, 15),
    noisyColumn17: row(noisyB, 17),
    tile1: { message: toHex(message), ticket: ticket(sigma, message, 1, 1).toString(16) },
    t: toHex(naive.t),
  };
}

const CARRIES: readonly Carry[] = [
  { name: 'h', made: 0, last: 2, size: 24, low: -500, high: 500 },
  { name: 'mask', made: 0, last: 1, size: 16, low: 0, high: 1 },
  { name: 'sum', made: 1, last: 2, size: 8, low: -40_000, high: 16_777_216 },
];

/** A manifest with everything in it. */
const full = (): Manifest =>
  inventedManifest({
    name: 'vector',
    kind: 1,
    vocabulary: 250_002,
    packing: 'u24',
    labels: ['no', 'sì'],
    answerSize: 2,
    linears: [
      { k: 128, n: 384, r: 16 },
      { k: 256, n: 64, r: 32 },
    ],
    tables: [
      { width: 4, wide: 2, low: -1000, high: 1000, hash: new Uint8Array(32).fill(7), size: 2_000_016 },
    ],
    shape: { carries: [...CARRIES] },
    tokenizer: { hash: new Uint8Array(32).fill(8), size: 123 },
    licence: 'MIT',
    attribution: 'nobody',
  });

function manifest() {
  const m = full();
  const target = 1n << 200n;
  const proof = {
    linear: 2,
    tile: 3,
    x: [new Uint8Array(32).fill(1)],
    t: [new Uint8Array(32).fill(2)],
    a: new Uint8Array(32).fill(3),
    y: new Uint8Array(32).fill(4),
    rows: Uint8Array.of(5, 6),
    rowPath: [new Uint8Array(32).fill(7)],
    columns: new Uint8Array(),
    columnPath: [],
  };
  return {
    bytes: toHex(encode(Manifest, m)),
    id: toHex(modelId(m)),
    credits: credits(m).map(String),
    earned: earned(m).map(String),
    target: target.toString(16),
    limits: ticketLimits(target, m).map((x) => x.toString(16)),
    alive: [0, 1, 2].map((linear) => carriesAt(unitShape(m), linear).map(({ name }) => name)),
    places: [0, 3].map((tile) => String(placeOf({ manifest: m, linear: 2, tile }))),
    proof: toHex(encode(Proof, proof)),
    proofDigest: toHex(proofDigest(proof)),
  };
}

/** What the steps of that manifest start from. */
function known() {
  return [1, 2, 3].map((number) => {
    const step = knownStep(full(), number);
    if (!('a' in step)) return { number, first: [...step.tokens.slice(0, 8)], tokens: hashOf(step.tokens) };
    const carries = [...step.carries].map(([name, values]) => ({
      name,
      first: [...values.slice(0, 4)],
      hash: hashOf(values),
    }));
    return { number, first: [...step.a.slice(0, 8)], a: hashOf(step.a), carries };
  });
}

/** All vectors by file name. */
export const powVectors = () => ({ unit: unit(), manifest: manifest(), known: known() });

if (import.meta.main)
  for (const [name, value] of Object.entries(powVectors()))
    writeFileSync(
      join(import.meta.dirname, 'pow', `${name}.json`),
      JSON.stringify(value, null, 2) + '\n',
    );
