/** A model as a miner sees it: what each linear and each segment costs and pays, whatever device runs it. */
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { TokenSets, trace, type Costs, type Traced } from './trace.ts';

/** Nobody lists 2^40 cases (docs/protocol.md): what depends on so few tokens that they are fewer may be in a table. */
export const CASES_BITS = 40;

export interface LinearShape {
  readonly k: number;
  readonly n: number;
  readonly r: number;
}

export interface Game {
  readonly name: string;
  readonly vocabulary: number;
  readonly sequences: number;
  /** S, of a sequence. */
  readonly tokens: number;
  /** Whether a row sees only the tokens up to its own. */
  readonly isCausal: boolean;
  readonly linears: readonly LinearShape[];
  /** Tokens that each row of each linear's A depends on, one bit each; none of a model that was never traced. */
  readonly seen: readonly (readonly bigint[])[];
  /** Part of the rows of each linear's product that a table could hold. */
  readonly listedRows: readonly number[];
  /** Segments 0..L−1; what follows the last ticket costs a miner nothing. */
  readonly segments: readonly Costs[];
  /** Bytes that are hashed for each linear: A and the carries that its segment made. */
  readonly hashed: readonly { readonly all: number; readonly listed: number }[];
}

export const rowsOf = (g: Game): number => g.sequences * g.tokens;

/** BLAKE3 hashes by chunks; those of a table's rows may lie in the table too. */
const CHUNK = 1024;

/** Bytes of the chunks whose rows depend on few tokens. */
function listedBytes(sets: TokenSets, v: Traced, width: number, isListed: IsListed): number {
  const bytes = v.sets.length * width;
  let listed = 0;
  for (let at = 0; at < bytes; at += CHUNK) {
    const end = Math.min(bytes, at + CHUNK);
    let all = 0;
    for (let i = at / width; i < end / width; i++) all = sets.union(all, v.sets[i]!);
    if (isListed(sets.size(all))) listed += end - at;
  }
  return listed;
}
type IsListed = (tokens: number) => boolean;

/** What segment 0 reads: each row of `tokens` and of the tables is of one token. */
function inputsOf(
  { tables, shapes }: ModelPackage['manifest'],
  sets: TokenSets,
): Map<string, Traced> {
  const { sequences, tokens } = shapes[0]!;
  const own = Int32Array.from({ length: sequences * tokens }, (_, i) => sets.of(1n << BigInt(i)));
  const inputs = new Map<string, Traced>([['tokens', { dims: [sequences, tokens], sets: own }]]);
  for (const [i, { width }] of tables.entries()) inputs.set(`e${i}`, byRow(own, width));
  return inputs;
}

/** Rows of one set each. */
function byRow(ofRow: Int32Array, width: number): Traced {
  const sets = new Int32Array(ofRow.length * width);
  for (const [row, set] of ofRow.entries()) sets.fill(set, row * width, (row + 1) * width);
  return { dims: [ofRow.length, width], sets };
}

/** Counts a packaged model from its graphs, of the shape that is mined. */
export function gameOf({ manifest, segments }: ModelPackage): Game {
  const { name, vocabulary } = manifest;
  const { sequences, tokens, carries } = manifest.shapes[0]!;
  const sets = new TokenSets();
  const isListed = (count: number): boolean => count * Math.log2(vocabulary) < CASES_BITS;
  const rows = sequences * tokens;
  const known = inputsOf(manifest, sets);
  const costs: Costs[] = [];
  const hashed: { all: number; listed: number }[] = [];
  const listedRows: number[] = [];
  const seen: bigint[][] = [];
  for (const [i, { k, n }] of manifest.linears.entries()) {
    const traced = trace(segments[i]!, known, sets, isListed);
    costs.push(traced.costs);
    const sum = { all: 0, listed: 0 };
    for (const [output, value] of traced.outputs) {
      known.set(output, value);
      const carry = carries.find((c) => c.name === output);
      const width = carry ? carryWidth(carry) : 1;
      sum.all += value.sets.length * width;
      sum.listed += listedBytes(sets, value, width, isListed);
    }
    hashed.push(sum);

    // Each row of a product depends on all of its row of A.
    const a = known.get(`a${i + 1}`)!;
    const ofRow = Int32Array.from({ length: rows }, (_, row) =>
      a.sets.subarray(row * k, (row + 1) * k).reduce((x, y) => sets.union(x, y), 0),
    );
    seen.push(Array.from(ofRow, (set) => sets.tokens(set)));
    listedRows.push(ofRow.filter((set) => isListed(sets.size(set))).length / rows);
    known.set(`c${i + 1}`, byRow(ofRow, n));
  }
  return {
    name,
    vocabulary,
    sequences,
    tokens,
    // No packaged model is: after the first attention each row sees its whole sequence.
    isCausal: false,
    linears: manifest.linears.map(({ k, n, r }) => ({ k, n, r })),
    seen,
    listedRows,
    segments: costs,
    hashed,
  };
}

/** Bytes of an entry as it is hashed. */
const carryWidth = ({ low, high }: { readonly low: number; readonly high: number }): number =>
  low >= -(2 ** 15) && high < 2 ** 15 ? 2 : 4;
