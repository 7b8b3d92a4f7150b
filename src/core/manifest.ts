/** What the proof of work needs to know of a model: shapes, ranks, hashes, credits (docs/protocol.md §5.1). */
import {
  bytes,
  encode,
  hash32,
  list,
  optional,
  struct,
  text,
  u16,
  u32,
  u8,
  type Value,
} from './codec.ts';
import { hash } from './hash.ts';
import { QUESTION_BYTES_MAX, REPLY_BYTES_MAX } from './channel.ts';

/** Largest magnitude of an operand, activation or weight: int7, so that with noise it stays an int8. */
export const OPERAND_MAX = 63;

export const LINEARS_MAX = 255;

export const Linear = struct({
  /** Rows of A = B·S of the manifest. */
  m: u32,
  /** Columns of A; a multiple of 64 and of r. */
  k: u32,
  /** Columns of B. */
  n: u32,
  /** Rank of the noise; a multiple of 16, at most k/8. */
  r: u16,
  /** b_ℓ = BLAKE3(B_ℓᵀ as int8, n×k row-major). */
  weights: hash32,
});
export type Linear = Value<typeof Linear>;

/** A file of the package, by content. */
export const FileRef = struct({ hash: hash32, size: u32 });
export type FileRef = Value<typeof FileRef>;

export const Manifest = struct({
  version: u8,
  name: text(64),
  /** B: sequences in a unit. */
  sequences: u16,
  /** S: tokens in a sequence. */
  tokens: u16,
  /** V: token ids are 0 (padding) to V−1. */
  vocabulary: u32,
  /** How a question's input becomes tokens: `bytes` (token = 1 + byte) or `u16` (token ids). */
  packing: text(16),
  /** Length of one sequence's answer row, int8 values. */
  answerSize: u16,
  /** Names of the answer's entries, for screens. An empty list: the answer is the direction of an embedding. */
  labels: list(text(32), 1024),
  /** ONNX files of segments 0..L, run before linear 1, …, after linear L. */
  segments: list(FileRef, LINEARS_MAX + 1),
  linears: list(Linear, LINEARS_MAX),
  /** κ in 64ths: credit density of the first linear. */
  kappa64: u8,
  /** a_1..a_L of the unit with σ_0 = 32 zero bytes. */
  knownAnswer: list(bytes(32), LINEARS_MAX),
  /** tokenizer.json, with which a client turns text into token ids; consensus never reads it. */
  tokenizer: optional(FileRef),
});
export type Manifest = Value<typeof Manifest>;

/** Manifests of admitted models by id in hex. */
export type Models = ReadonlyMap<string, Manifest>;

export const modelId = (m: Manifest): Uint8Array => hash('model', encode(Manifest, m));

export const linearMacs = (l: Linear): bigint => BigInt(l.m) * BigInt(l.k) * BigInt(l.n);

/** W: multiply-accumulates of one unit's linears. */
export const unitMacs = (m: Manifest): bigint =>
  m.linears.reduce((sum, l) => sum + linearMacs(l), 0n);

/** Bytes of an input that make one token. */
const tokenBytes = (m: Manifest): number => (m.packing === 'u16' ? 2 : 1);

/** Bytes of an input that make one sequence. */
export const sequenceBytes = (m: Manifest): number => m.tokens * tokenBytes(m);

/** Bytes of an input that one pass answers: all sequences. */
export const inputBytesMax = (m: Manifest): number => m.sequences * sequenceBytes(m);

/** Token ids of packed input of any length; undefined: half a token, or an id that is not below V. */
export function tokenIds(input: Uint8Array, m: Manifest): Uint16Array | undefined {
  const ids =
    m.packing === 'u16'
      ? Uint16Array.from(
          { length: input.length / 2 },
          (_, i) => input[2 * i]! + 256 * input[2 * i + 1]!,
        )
      : Uint16Array.from(input, (byte) => byte + 1);
  const fits = input.length % tokenBytes(m) === 0 && ids.every((id) => id < m.vocabulary);
  return fits ? ids : undefined;
}

/**
 * Token ids of a question's input, at most B·S of them; undefined when the input does not fit the
 * model: too long, half a token, or an id that is not below V (docs/protocol.md §5.2).
 */
export const inputTokens = (input: Uint8Array, m: Manifest): Uint16Array | undefined =>
  input.length > inputBytesMax(m) ? undefined : tokenIds(input, m);

/** c_ℓ of every linear (docs/protocol.md §5.1): ticket credit, mean density exactly 1. */
export function credits(m: Manifest): bigint[] {
  const W = unitMacs(m);
  const kappa = BigInt(m.kappa64);
  let before = 0n;
  return m.linears.map((l) => {
    const w = linearMacs(l);
    const density = kappa * W + (64n - kappa) * (2n * before + w);
    before += w;
    return (256n * BigInt(l.k) * density) / (64n * W);
  });
}

/** First problem of a manifest's numbers as one sentence, or undefined. */
// eslint-disable-next-line complexity -- a list of checks, one a line
export function manifestProblem(m: Manifest): string | undefined {
  const rows = m.sequences * m.tokens;
  if (m.version !== 1) return `version ${m.version} is not 1`;
  if (m.packing !== 'bytes' && m.packing !== 'u16') return `packing '${m.packing}' is not known`;
  if (m.packing === 'bytes' && m.vocabulary !== 257) return 'bytes have a vocabulary of 257';
  if (!m.sequences) return 'no sequences';
  if (m.vocabulary < 2 || m.vocabulary > 65_536) return `vocabulary ${m.vocabulary}`;
  // A full input and its answer must fit a question and a reply.
  if (inputBytesMax(m) > QUESTION_BYTES_MAX) return `an input of ${inputBytesMax(m)} bytes`;
  const answer = m.sequences * m.answerSize;
  if (!answer || answer > REPLY_BYTES_MAX) return `an answer of ${answer} bytes`;
  if (!m.linears.length) return 'no linears';
  if (m.segments.length !== m.linears.length + 1) return 'segments ≠ linears + 1';
  if (m.knownAnswer.length !== m.linears.length) return 'known answer ≠ linears';
  if (m.kappa64 > 64) return 'κ is over 1';
  for (const [i, l] of m.linears.entries()) {
    const at = `linear ${i + 1}: `;
    if (l.m !== rows) return `${at}m ${l.m} is not ${rows}`;
    if (l.m % 16 || l.n % 16 || !l.n) return `${at}m and n must be multiples of 16`;
    // r ≤ 240: a permuted place and "none" fit one byte in the kernels; the best r is below 90 anyway.
    if (!l.r || l.r % 16 || l.r > 240 || l.k % 64 || l.k % l.r || l.k < 8 * l.r)
      return `${at}k ${l.k} and r ${l.r} do not fit`;
    // 126·126·k must stay inside int32, and the opened rows inside a proof.
    if (l.k > 4096) return `${at}k ${l.k} is over 4096`;
  }
  return undefined;
}
