/** Fixed values of seed, tokens and one linear, for other implementations: test/vectors/pow/unit.json. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { HeaderCore } from '../../../src/core/formats.ts';
import { decode } from '../../../src/core/codec.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { noisyRows, permutation } from '../../../src/core/pow/noise.ts';
import { layerSeed, packInput, seedOf, tokensOf } from '../../../src/core/pow/seed.ts';
import { ticket, tileMessage } from '../../../src/core/pow/transcript.ts';
import { fromHex, toHex } from '../../../src/lib/bytes.ts';
import { inventManifest } from '../../oracle/forged-pass.ts';
import { naiveLinear } from '../../oracle/naive-pass.ts';

const file = new URL('../../vectors/pow/unit.json', import.meta.url);
const vector = JSON.parse(readFileSync(file, 'utf8')) as Record<string, never> & {
  core: string;
  shape: { m: number; k: number; n: number; r: number };
};
const { m, k, n, r } = vector.shape;
/** As the file's note says. */
const activations = Int8Array.from({ length: m * k }, (_, i) => ((7 * i + 3) % 127) - 63);
const weights = Int8Array.from({ length: n * k }, (_, i) => ((11 * i + 5) % 127) - 63);

it('the fixed unit has its fixed values', () => {
  const sigma0 = seedOf(decode(HeaderCore, fromHex(vector.core)!));
  const { manifest } = inventManifest(2, m / 2, [{ k, n, r }]);
  const words = { ...manifest, packing: 'u16', vocabulary: 30_522 };
  const a = plainHash(new Uint8Array(activations));
  const b = plainHash(new Uint8Array(weights));
  const sigma = layerSeed(sigma0, new Uint8Array(32), a, b, 1);
  const noisyA = noisyRows(sigma, 'a', 0, activations, k, r);
  const noisyB = noisyRows(sigma, 'b', 0, weights, k, r);
  const row = (x: Int8Array, i: number) => [...x.subarray(i * k, (i + 1) * k)];
  const message = tileMessage(noisyA, noisyB.subarray(16 * k), k, r);
  const naive = naiveLinear(vector.shape, 1, sigma0, new Uint8Array(32), activations, weights);
  const made = {
    sigma0: toHex(sigma0),
    tokens: [...tokensOf(sigma0, manifest)],
    byteTokens: [...packInput(Uint8Array.of(0, 104, 255), manifest)],
    u16Tokens: [...packInput(fromHex('65003977')!, words)],
    a: toHex(a),
    b: toHex(b),
    sigma: toHex(sigma),
    permutationA0: [...permutation(sigma, 'a', 0, r)],
    permutationB1: [...permutation(sigma, 'b', 1, r)],
    noisyRow15: row(noisyA, 15),
    noisyColumn17: row(noisyB, 17),
    tile1: { message: toHex(message), ticket: ticket(sigma, message, 1, 1).toString(16) },
    t: toHex(naive.t),
  };
  expect(toHex(naive.messages[1]!)).toBe(made.tile1.message);
  expect(naive.tickets[1]!.toString(16)).toBe(made.tile1.ticket);
  expect({ note: vector.note, core: vector.core, shape: vector.shape, ...made }).toEqual(vector);
});
