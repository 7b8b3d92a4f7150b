/** What the proof of work needs to know of a model: shapes, ranks, hashes, credits (docs/protocol.md §5.1). */
import {
  encode,
  hash32,
  i32,
  i8,
  list,
  optional,
  struct,
  text,
  u16,
  u32,
  u8,
  type Value,
} from './codec.ts';
import { compare, toHex, utf8 } from '../lib/bytes.ts';
import { hash } from './hash.ts';
import { QUESTION_BYTES_MAX, REPLY_BYTES_MAX } from './channel.ts';

export const MANIFEST_VERSION = 2;

/**
 * Largest magnitude of an operand of a mined model, activation or weight: int7, so that with noise it
 * stays an int8. A model that is only served has no noise and may use int8 to ±127.
 */
export const OPERAND_MAX = 63;
const SERVED_OPERAND_MAX = 127;
/** Integers below this are exact in float32, in which the segments compute. */
const EXACT_MAX = 2 ** 24;

/** Rows and columns of a tile. */
export const TILE = 16;
export const LINEARS_MAX = 255;
export const LINEARS_MIN = 2;
export const VOCABULARY_MAX = 2 ** 18;
/** 126·126·k stays inside int32, and a proof with 16 rows and no columns inside a message of gossip. */
export const K_MAX = 8192;
/** Most bytes of one linear's weights, and of what one step starts from: what a judge of a step fetches. */
export const LINEAR_BYTES_MAX = 8 * 2 ** 20;
export const STATE_BYTES_MAX = 8 * 2 ** 20;
/** Most ticket credit of a column of A: 640/256 = 2.5 times the mean. */
const CREDIT_MAX = 640n;
/** Bits of fresh input in a sequence: nobody can have computed it before. */
const FRESH_BITS = 128n;
/** Least vocabulary and length of a causal model: a prefix of its tokens must not be guessed. */
const CAUSAL_VOCABULARY_MIN = 4096;
const CAUSAL_TOKENS_MIN = 64;

export const Linear = struct({
  /** Columns of A; a multiple of 64 and of r. */
  k: u32,
  /** Columns of B. */
  n: u32,
  /** Rank of the noise; a multiple of 16, at most k/8. */
  r: u16,
  /** Bounds of A. */
  low: i8,
  high: i8,
  /** b_ℓ = BLAKE3(B_ℓᵀ as int8, n×k row-major). */
  weights: hash32,
});
export type Linear = Value<typeof Linear>;

/** A linear of the unit that is mined: `m` = B·S rows of A. */
export interface UnitLinear extends Linear {
  readonly m: number;
}

/** What a product needs to know of a linear. */
export type LinearSize = Pick<UnitLinear, 'm' | 'k' | 'n' | 'r'>;

/** A file of the package, by content. */
export const FileRef = struct({ hash: hash32, size: u32 });
export type FileRef = Value<typeof FileRef>;

/** An embedding table outside the graphs: V rows, of which segment 0 reads those of its tokens as `e<i>`. */
export const Table = struct({
  /** Entries of a row. */
  width: u32,
  /** Bytes of an entry: 1 int8, 2 int16 little-endian. */
  wide: u8,
  /** Bounds of the entries. */
  low: i32,
  high: i32,
  hash: hash32,
  /** V·width·wide bytes. */
  size: u32,
});
export type Table = Value<typeof Table>;

/** A tensor that a segment gives and later segments read, alive at linear ℓ when made < ℓ ≤ last. */
export const Carry = struct({
  name: text(64),
  /** The one segment that gives it. */
  made: u8,
  /** The last segment that reads it. */
  last: u8,
  /** Entries of one sequence. */
  size: u32,
  /** Bounds of the entries. */
  low: i32,
  high: i32,
});
export type Carry = Value<typeof Carry>;

/** All that depends on the size of a batch. */
export const Shape = struct({
  /** B: sequences in a pass. */
  sequences: u16,
  /** S: tokens in a sequence. */
  tokens: u16,
  /** ONNX files of segments 0..L, run before linear 1, …, after linear L. */
  segments: list(FileRef, LINEARS_MAX + 1),
  /** In the order of their names' bytes. */
  carries: list(Carry, 256),
  /** Known answers of steps 1..L+1: x_ℓ after segment ℓ−1, then BLAKE3 of all the answer's rows. */
  known: list(hash32, LINEARS_MAX + 1),
});
export type Shape = Value<typeof Shape>;

export const KIND = { encoder: 0, classifier: 1, generator: 2 } as const;

export const Manifest = struct({
  version: u8,
  name: text(64),
  /** Of KIND. */
  kind: u8,
  /** V: token ids are 0 (padding) to V−1. */
  vocabulary: u32,
  /** How a question's input becomes tokens: `bytes` (token = 1 + byte), or token ids as `u16` or `u24`. */
  packing: text(16),
  /** Length of a row of the answer, int8 values: `answerRows` says how many rows a sequence has. */
  answerSize: u16,
  /** Names of the answer's entries, for screens. An empty list: the answer is the direction of an embedding. */
  labels: list(text(32), 1024),
  linears: list(Linear, LINEARS_MAX),
  tables: list(Table, 4),
  /** The first is the one that is mined, and the only one that consensus reads. */
  shapes: list(Shape, 8),
  /** tokenizer.json, with which a client turns text into token ids; consensus never reads it. */
  tokenizer: optional(FileRef),
  /** generation.json, which an answer follows from; consensus never reads it. */
  template: optional(FileRef),
  licence: text(64),
  attribution: text(1024),
});
export type Manifest = Value<typeof Manifest>;

/** Manifests of admitted models by id in hex. */
export type Models = ReadonlyMap<string, Manifest>;

export const modelId = (m: Manifest): Uint8Array => hash('model', encode(Manifest, m));

/** The shape that is mined. */
export const unitShape = (m: Manifest): Shape => m.shapes[0]!;

/** B·S: rows of every linear's A in the unit that is mined. */
export const unitRows = (m: Manifest): number => unitShape(m).sequences * unitShape(m).tokens;

/** Linears 1..L of the unit that is mined. */
export function unitLinears(m: Manifest): UnitLinear[] {
  const rows = unitRows(m);
  return m.linears.map((l) => ({ ...l, m: rows }));
}

/**
 * One thing for each linear, made from the first of those with the same weights and shared by all of them: a package
 * holds equal weights once.
 */
export function sharedByWeights<T>(
  { linears }: Pick<Manifest, 'linears'>,
  make: (linear: Linear, index: number) => T,
): T[] {
  const made = new Map<string, { readonly of: T }>();
  return linears.map((linear, i) => {
    const key = toHex(linear.weights);
    const found = made.get(key) ?? { of: make(linear, i) };
    made.set(key, found);
    return found.of;
  });
}

/** Places (from 0) of the linears whose weights a package holds: the first of those with the same weights. */
export const heldPlaces = (m: Pick<Manifest, 'linears'>): number[] => [
  ...new Set(sharedByWeights(m, (_, i) => i)),
];

/** w_ℓ */
export const linearMacs = (l: LinearSize): bigint => BigInt(l.m) * BigInt(l.k) * BigInt(l.n);

/** W: multiply-accumulates of one unit's linears. */
export const unitMacs = (m: Manifest): bigint =>
  unitLinears(m).reduce((sum, l) => sum + linearMacs(l), 0n);

/**
 * What is earned by stopping after a linear: Σ_{i≤ℓ} w_i·S_{i−1} of ℓ = 1..L. The last of them is D, and E_ℓ is
 * the one of ℓ divided by D.
 */
export function earned(m: Manifest): bigint[] {
  let before = 0n;
  let sum = 0n;
  return unitLinears(m).map((l) => {
    const w = linearMacs(l);
    sum += w * before;
    before += w;
    return sum;
  });
}

/**
 * c_ℓ of every linear: ticket credit, in proportion to the products before it, so that whoever stops early
 * earns less than it computed. 0 for ℓ = 1, whose tickets never win. Mean density 256, up to rounding.
 */
export function credits(m: Manifest): bigint[] {
  const W = unitMacs(m);
  const D = earned(m).at(-1) ?? 0n;
  let before = 0n;
  return unitLinears(m).map((l) => {
    const credit = D ? (256n * BigInt(l.k) * before * W) / D : 0n;
    before += linearMacs(l);
    return credit;
  });
}

/** Bytes of an entry of a carry as it is hashed: int16 where its bounds fit, else int32. */
export const carryBytes = ({ low, high }: Carry): 2 | 4 =>
  low >= -32_768 && high <= 32_767 ? 2 : 4;

/** Carries alive at linear ℓ, in order. */
export const carriesAt = (shape: Pick<Shape, 'carries'>, linear: number): Carry[] =>
  shape.carries.filter(({ made, last }) => made < linear && linear <= last);

/** Bytes from which segment ℓ starts: A of linear ℓ and the carries alive there. */
function stateBytes(m: Manifest, shape: Shape, linear: number): number {
  const { sequences, tokens } = shape;
  return carriesAt(shape, linear).reduce(
    (sum, carry) => sum + sequences * carry.size * carryBytes(carry),
    sequences * tokens * m.linears[linear - 1]!.k,
  );
}

/** What the form of an input follows from: a manifest, or what is told of one. */
export interface InputForm {
  readonly packing: string;
  /** The first is the one that is mined. */
  readonly shapes: readonly Pick<Shape, 'sequences' | 'tokens'>[];
}

/** Bytes of an input that make one token. */
const TOKEN_BYTES: ReadonlyMap<string, number> = new Map([
  ['bytes', 1],
  ['u16', 2],
  ['u24', 3],
]);
const tokenBytes = (m: InputForm): number => TOKEN_BYTES.get(m.packing)!;

export const isGenerator = ({ kind }: Pick<Manifest, 'kind'>): boolean => kind === KIND.generator;

/** Bytes of a token of an answer: u32, little-endian. */
export const ANSWER_TOKEN_BYTES = 4;

/** Bytes of one unit of an answer that is paid for: a sequence's row, or a token. */
export const unitBytesOf = (m: Pick<Manifest, 'kind' | 'answerSize'>): number =>
  isGenerator(m) ? ANSWER_TOKEN_BYTES : m.answerSize;

/** Rows of the answer that one sequence of a shape has: one, or of a generator one for each of its tokens. */
export const answerRows = (m: Pick<Manifest, 'kind'>, { tokens }: Pick<Shape, 'tokens'>): number =>
  isGenerator(m) ? tokens : 1;

/** Bytes of the answer that one sequence of a shape has. */
export const answerBytes = (
  m: Pick<Manifest, 'kind' | 'answerSize'>,
  shape: Pick<Shape, 'tokens'>,
): number => answerRows(m, shape) * m.answerSize;

/** Most tokens of a sequence that somebody asks about: those of the longest shape. */
export const tokensMax = (m: InputForm): number => Math.max(...m.shapes.map((s) => s.tokens));

/** Bytes of an input that make one sequence. */
export const sequenceBytes = (m: InputForm): number => tokensMax(m) * tokenBytes(m);

/** Bytes of the longest input: as many sequences as are mined at once. */
export const inputBytesMax = (m: InputForm): number => m.shapes[0]!.sequences * sequenceBytes(m);

/** Place of the shortest shape of at least `length` tokens, of equals that with the most sequences. */
export function shapeFor({ shapes }: Pick<InputForm, 'shapes'>, length: number): number {
  const better = (a: number, b: number): number =>
    shapes[a]!.tokens - shapes[b]!.tokens || shapes[b]!.sequences - shapes[a]!.sequences || a - b;
  const holding = [...shapes.keys()].filter((i) => shapes[i]!.tokens >= length);
  return holding.toSorted(better)[0]!;
}

/** A sequence's ids up to the last that is no padding: a view. */
export const withoutPadding = (ids: Uint32Array): Uint32Array =>
  ids.subarray(0, ids.findLastIndex((id) => id !== 0) + 1);

/**
 * Tokens of one sequence up to its last that is no padding; `bytes`: its part of an input. Of padding alone all of the
 * longest shape count, since what that means differs from shape to shape.
 */
function usedTokens(m: InputForm, bytes: Uint8Array): number {
  if (m.packing === 'bytes') return bytes.length || tokensMax(m);
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return used ? Math.ceil(used / tokenBytes(m)) : tokensMax(m);
}

/** Tokens that count of each sequence of an input, of which there is at least one. */
function usedOfInput(m: InputForm, input: Uint8Array): number[] {
  const size = sequenceBytes(m);
  return Array.from({ length: Math.max(1, Math.ceil(input.length / size)) }, (_, i) =>
    usedTokens(m, input.subarray(i * size, (i + 1) * size)),
  );
}

/** Tokens of an input up to the last that is no padding, of each of its sequences. */
export const tokensRead = (m: InputForm, input: Uint8Array): number =>
  usedOfInput(m, input).reduce((sum, used) => sum + used, 0);

/** Places of the shapes in which an input's sequences run: docs/protocol.md §5.2. */
export const shapesOfInput = (m: InputForm, input: Uint8Array): number[] =>
  usedOfInput(m, input).map((used) => shapeFor(m, used));

/** The shape by which an input is priced: the longest of those in which its sequences run. */
export const shapeOfInput = <S extends InputForm>(m: S, input: Uint8Array): S['shapes'][number] =>
  m.shapes[
    shapeFor(
      m,
      usedOfInput(m, input).reduce((most, used) => Math.max(most, used)),
    )
  ]!;

/** Token ids of packed input of any length; undefined: a part of a token, or an id that is not below V. */
export function tokenIds(input: Uint8Array, m: Manifest): Uint32Array | undefined {
  const size = tokenBytes(m);
  if (input.length % size) return undefined;
  const ids = Uint32Array.from({ length: input.length / size }, (_, i) => {
    if (m.packing === 'bytes') return input[i]! + 1;
    let id = 0;
    for (let at = size; at--;) id = 256 * id + input[i * size + at]!;
    return id;
  });
  return ids.every((id) => id < m.vocabulary) ? ids : undefined;
}

/**
 * Token ids of a question's input, of at most B sequences as long as the longest shape's; undefined when the input does
 * not fit the model: too long, a part of a token, or an id that is not below V (docs/protocol.md §5.2).
 */
export const inputTokens = (input: Uint8Array, m: Manifest): Uint32Array | undefined =>
  input.length > inputBytesMax(m) ? undefined : tokenIds(input, m);

/** First problem of a manifest's numbers as one sentence, or undefined: what every model must keep. */
export function manifestProblem(m: Manifest): string | undefined {
  const [shape] = m.shapes;
  if (m.version !== MANIFEST_VERSION) return `version ${m.version} is not ${MANIFEST_VERSION}`;
  if (m.kind > KIND.generator) return `kind ${m.kind}`;
  if (!shape) return 'no shapes';
  return (
    vocabularyProblem(m) ??
    m.shapes.map((s, i) => at(`shape ${i}`, shapeProblem(m, s))).find(Boolean) ??
    questionProblem(m) ??
    (m.linears.length < LINEARS_MIN ? `${m.linears.length} linears` : undefined) ??
    m.linears.map((l, i) => at(`linear ${i + 1}`, linearProblem(l))).find(Boolean) ??
    sharingProblem(m) ??
    m.tables.map((t, i) => at(`table ${i}`, tableProblem(m, t))).find(Boolean)
  );
}

const at = (where: string, problem: string | undefined): string | undefined =>
  problem && `${where}: ${problem}`;

function vocabularyProblem({ packing, vocabulary }: Manifest): string | undefined {
  const size = TOKEN_BYTES.get(packing);
  if (!size) return `packing '${packing}' is not known`;
  if (vocabulary < 3 || vocabulary > VOCABULARY_MAX) return `vocabulary ${vocabulary}`;
  if (packing === 'bytes' && vocabulary !== 257) return 'bytes have a vocabulary of 257';
  if (packing === 'u16' && vocabulary > 2 ** 16) return `vocabulary ${vocabulary} of u16`;
  return undefined;
}

/** A full input and its answer must fit a question and a reply, and so must the answer of a pass in any shape. */
function questionProblem(m: Manifest): string | undefined {
  if (inputBytesMax(m) > QUESTION_BYTES_MAX) return `an input of ${inputBytesMax(m)} bytes`;
  const asked = { sequences: unitShape(m).sequences, tokens: tokensMax(m) };
  return [asked, ...m.shapes]
    .map((shape) => shape.sequences * answerBytes(m, shape))
    .filter((bytes) => !bytes || bytes > REPLY_BYTES_MAX)
    .map((bytes) => `an answer of ${bytes} bytes`)[0];
}

function shapeProblem(m: Manifest, shape: Shape): string | undefined {
  const rows = shape.sequences * shape.tokens;
  const steps = m.linears.length + 1;
  if (!rows || rows % 16) return `${rows} rows are no multiple of 16`;
  if (shape.segments.length !== steps) return 'segments ≠ linears + 1';
  if (shape.known.length !== steps) return 'known answers ≠ linears + 1';
  for (const [i, carry] of shape.carries.entries()) {
    const before = shape.carries[i - 1];
    const isRising = !before || compare(utf8(before.name), utf8(carry.name)) < 0;
    const problem = isRising ? carryProblem(carry, m.linears.length) : 'not in order of names';
    if (problem) return `carry '${carry.name}': ${problem}`;
  }
  return undefined;
}

function carryProblem({ name, made, last, size, low, high }: Carry, L: number): string | undefined {
  if (!name || /^(tokens|answer|[ace]\d+)$/.test(name)) return 'the name is taken';
  if (made >= last || last > L) return `made ${made}, last ${last}`;
  if (!size) return 'no entries';
  return boundsProblem(low, high, EXACT_MAX);
}

function boundsProblem(low: number, high: number, most: number): string | undefined {
  const fits = low <= high && low >= -most && high <= most;
  return fits ? undefined : `bounds ${low}..${high}`;
}

function linearProblem({ k, n, r, low, high }: Linear): string | undefined {
  if (n % 16 || !n) return 'n must be a multiple of 16';
  // r ≤ 240: a permuted place and "none" fit one byte in the kernels; the best r is below 90 anyway.
  if (!r || r % 16 || r > 240 || k % 64 || k % r || k < 8 * r)
    return `k ${k} and r ${r} do not fit`;
  if (k > K_MAX) return `k ${k} is over ${K_MAX}`;
  if (k * n > LINEAR_BYTES_MAX) return `${k * n} bytes of weights`;
  return boundsProblem(low, high, SERVED_OPERAND_MAX);
}

/** The same bytes as matrices of two sizes are two matrices, for which whoever holds them once has no place. */
function sharingProblem(m: Manifest): string | undefined {
  const held = sharedByWeights(m, (_, i) => i);
  return m.linears
    .map((l, i) => {
      const { k, n } = m.linears[held[i]!]!;
      const isSame = l.k === k && l.n === n;
      return isSame
        ? undefined
        : `linear ${i + 1}: ${l.k}×${l.n} has the weights of linear ${held[i]! + 1}, ${k}×${n}`;
    })
    .find(Boolean);
}

function tableProblem(m: Manifest, { width, wide, low, high, size }: Table): string | undefined {
  if (wide !== 1 && wide !== 2) return `${wide} bytes an entry`;
  if (!width || size !== m.vocabulary * width * wide) return `${size} bytes`;
  const half = 2 ** (8 * wide - 1);
  return high < half ? boundsProblem(low, high, half) : `bounds ${low}..${high}`;
}

/** First problem of a model that is to be mined, or undefined: its form, and the limits that its numbers show. */
export function minedProblem(m: Manifest): string | undefined {
  return (
    manifestProblem(m) ??
    freshProblem(m) ??
    m.linears
      .map((_, i) => at(`linear ${i + 1}`, minedLinearProblem(m, i + 1)))
      .find((x) => x !== undefined)
  );
}

function freshProblem(m: Manifest): string | undefined {
  const { tokens } = unitShape(m);
  const { vocabulary } = m;
  if (BigInt(vocabulary - 1) ** BigInt(tokens) < 1n << FRESH_BITS)
    return `${tokens} tokens of ${vocabulary} are no fresh input`;
  const isLong = vocabulary >= CAUSAL_VOCABULARY_MIN && tokens >= CAUSAL_TOKENS_MIN;
  return m.kind === KIND.generator && !isLong
    ? `${tokens} tokens of ${vocabulary} are too few for a causal model`
    : undefined;
}

/** Whether all operands leave room for noise: a model that is only served may have larger ones. */
export const takesNoise = (m: Manifest): boolean =>
  m.linears.every(({ low, high }) => low >= -OPERAND_MAX && high <= OPERAND_MAX);

function minedLinearProblem(m: Manifest, number: number): string | undefined {
  const { k, low, high } = m.linears[number - 1]!;
  const state = stateBytes(m, unitShape(m), number);
  if (state > STATE_BYTES_MAX) return `${state} bytes to start from`;
  if (credits(m)[number - 1]! > CREDIT_MAX * BigInt(k)) return 'its tickets earn too much';
  return boundsProblem(low, high, OPERAND_MAX);
}
