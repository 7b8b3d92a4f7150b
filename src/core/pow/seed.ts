/** From a header to its unit of work: seed, tokens, and the chain of layer seeds (docs/protocol.md §5.2, §5.3). */
import { u32 } from '../../lib/bytes.ts';
import { encode } from '../codec.ts';
import { HeaderCore } from '../formats.ts';
import { ZERO_HASH, hash, xof } from '../hash.ts';
import { unitRows, unitShape, type Manifest } from '../manifest.ts';

/** σ_0 of a header. A whole `Header` may be given: its proof digest is left out. */
export const seedOf = (core: HeaderCore): Uint8Array =>
  hash('seed', hash('header', encode(HeaderCore, core)));

/** Fresh token ids of one sequence: uniform over 1..V−1, never the padding token 0. */
export function freshTokens(sigma0: Uint8Array, sequence: number, m: Manifest): Uint32Array {
  const ids = new Uint32Array(unitShape(m).tokens);
  fillDrawn(ids, xof('idle', 4 * ids.length, sigma0, u32(sequence)), 1, m.vocabulary - 1);
  return ids;
}

/** Fills `out` with whole numbers low..high from a stream of a u32 v each: low + ⌊v·(high − low + 1)/2^32⌋. */
export function fillDrawn(
  out: Uint32Array | Int32Array | Int8Array,
  stream: Uint8Array,
  low: number,
  high: number,
): void {
  const range = high - low + 1;
  for (let i = 0, at = 0; i < out.length; i++, at += 4) {
    // In halves of 16 bits, so that each product stays exact in a double.
    const below = Math.floor(((stream[at]! + 256 * stream[at + 1]!) * range) / 65_536);
    const above = (stream[at + 2]! + 256 * stream[at + 3]!) * range;
    out[i] = low + Math.floor((above + below) / 65_536);
  }
}

/** The B·S token ids of a unit. */
export function tokensOf(sigma0: Uint8Array, m: Manifest): Uint32Array {
  const { sequences, tokens: length } = unitShape(m);
  const tokens = new Uint32Array(unitRows(m));
  for (let s = 0; s < sequences; s++) tokens.set(freshTokens(sigma0, s, m), s * length);
  return tokens;
}

/** y_ℓ: what the carries alive at a linear hash to, in their order. */
export const carriesHash = (hashes: readonly Uint8Array[]): Uint8Array => hash('carry', ...hashes);

/** x_ℓ: all that linear ℓ and what follows it start from. */
export const stateHash = (activations: Uint8Array, carries: Uint8Array): Uint8Array =>
  hash('state', activations, carries);

/**
 * σ_ℓ of linear ℓ (1-based) from σ_{ℓ−1}, t_{ℓ−1} (32 zero bytes for ℓ = 1), x_ℓ and b_ℓ.
 */
// eslint-disable-next-line @typescript-eslint/max-params -- the five inputs of the protocol's formula, in its order
export function layerSeed(
  previous: Uint8Array,
  transcript: Uint8Array,
  state: Uint8Array,
  weights: Uint8Array,
  linear: number,
): Uint8Array {
  return hash('layer', previous, transcript, state, weights, u32(linear));
}

/** σ_ℓ where ℓ = x.length, rebuilt from σ_0, x_1..x_ℓ and t_1..t_{ℓ−1}. */
export function layerSeedFrom(
  sigma0: Uint8Array,
  x: readonly Uint8Array[],
  t: readonly Uint8Array[],
  m: Manifest,
): Uint8Array {
  let sigma = sigma0;
  for (let i = 0; i < x.length; i++)
    sigma = layerSeed(sigma, t[i - 1] ?? ZERO_HASH, x[i]!, m.linears[i]!.weights, i + 1);
  return sigma;
}
