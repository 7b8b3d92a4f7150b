/** From a header to its unit of work: seed, tokens, and the chain of layer seeds (docs/protocol.md §5.2, §5.3). */
import { assert } from '../../lib/errors.ts';
import { u32 } from '../../lib/bytes.ts';
import { encode } from '../codec.ts';
import { HeaderCore } from '../formats.ts';
import { ZERO_HASH, hash, xof } from '../hash.ts';
import { inputTokens, type Manifest } from '../manifest.ts';

/** σ_0 of a header. A whole `Header` may be given: its proof digest is left out. */
export const seedOf = (core: HeaderCore): Uint8Array =>
  hash('seed', hash('header', encode(HeaderCore, core)));

/** Fresh token ids of one sequence: uniform over 1..V−1, never the padding token 0. */
export function freshTokens(sigma0: Uint8Array, sequence: number, m: Manifest): Uint16Array {
  const stream = xof('idle', 4 * m.tokens, sigma0, u32(sequence));
  const words = new DataView(stream.buffer, stream.byteOffset);
  return Uint16Array.from({ length: m.tokens }, (_, i) => {
    const u = BigInt(words.getUint32(4 * i, true));
    return Number((u * BigInt(m.vocabulary - 1)) >> 32n) + 1;
  });
}

/** A question's input as B·S token ids, padded. It was checked before that the input fits the model. */
export function packInput(input: Uint8Array, m: Manifest): Uint16Array {
  const ids = inputTokens(input, m);
  assert(ids, 'the input fits the model');
  const tokens = new Uint16Array(m.sequences * m.tokens);
  tokens.set(ids);
  return tokens;
}

/** The B·S token ids of a unit. */
export function tokensOf(sigma0: Uint8Array, m: Manifest): Uint16Array {
  const tokens = new Uint16Array(m.sequences * m.tokens);
  for (let s = 0; s < m.sequences; s++) tokens.set(freshTokens(sigma0, s, m), s * m.tokens);
  return tokens;
}

/**
 * σ_ℓ of linear ℓ (1-based) from σ_{ℓ−1}, t_{ℓ−1} (32 zero bytes for ℓ = 1), a_ℓ and b_ℓ.
 */
// eslint-disable-next-line @typescript-eslint/max-params -- the five inputs of the protocol's formula, in its order
export function layerSeed(
  previous: Uint8Array,
  transcript: Uint8Array,
  activations: Uint8Array,
  weights: Uint8Array,
  linear: number,
): Uint8Array {
  return hash('layer', previous, transcript, activations, weights, u32(linear));
}

/** σ_ℓ where ℓ = a.length, rebuilt from σ_0, a_1..a_ℓ and t_1..t_{ℓ−1}. */
export function layerSeedFrom(
  sigma0: Uint8Array,
  a: readonly Uint8Array[],
  t: readonly Uint8Array[],
  m: Manifest,
): Uint8Array {
  let sigma = sigma0;
  for (let i = 0; i < a.length; i++)
    sigma = layerSeed(sigma, t[i - 1] ?? ZERO_HASH, a[i]!, m.linears[i]!.weights, i + 1);
  return sigma;
}
