/** Models whose shape is all that counts: linears of any size, segments as a test wants them. */
import { draftOf, type Draft, type TableSource } from '../../models/finish.ts';
import { Graph } from '../../models/graph.ts';
import { provenManifest } from '../../src/miner/checker/checker.ts';
import type { Package } from '../../src/miner/checker/checker.ts';
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';

export const SEQUENCES = 2;
export const TOKENS = 16;
export const ROWS = SEQUENCES * TOKENS;
export const VOCABULARY = 257;

/** [k, n] of a linear; r is 16. */
export type Size = readonly [k: number, n: number];

/** What a segment does: gets its graph, its main input and the width wanted; gives [rows, width] in −63..63. */
export type Piece = (g: Graph, x: string, width: number) => string;

const limited = (g: Graph, x: string): string => g.clip(x, -63, 63);

/** `width` columns of x [rows, n], some more than once. */
export function columns(g: Graph, x: string, n: number, width: number): string {
  const places = Array.from({ length: width }, (_, i) => i % n);
  return g.gather(x, g.ints(`columns_${n}_${width}`, places), 1);
}

/** Every token's row becomes the sum of its sequence's. */
export function mixed(g: Graph, x: string, n: number): string {
  const rows = g.reshape(x, [SEQUENCES, TOKENS, n]);
  const sum = g.sum(limited(g, rows), 1);
  return g.reshape(g.add(limited(g, rows), sum), [ROWS, n]);
}

export interface ChainOptions {
  readonly sizes: readonly Size[];
  /** Of segments 1..L−1; by default columns of the product. */
  readonly pieces?: Readonly<Record<number, Piece>>;
  /** Columns of the table. */
  readonly width?: number;
  readonly wide?: 1 | 2;
  readonly kind?: 'encoder' | 'generator';
  /** The segment that hands on `kept`, four columns of what it gives to its linear. */
  readonly keeper?: number;
}

/** Gives x to the linear after segment `i`. */
function give(g: Graph, i: number, x: string, { sizes, keeper }: ChainOptions): OnnxGraph {
  if (i === keeper) g.output('kept', [ROWS, 4], g.slice(x, 1, 0, 4));
  g.output(`a${i + 1}`, [ROWS, sizes[i]![0]], limited(g, x));
  return g.graph();
}

function graphsOf(options: ChainOptions): OnnxGraph[] {
  const { sizes, pieces = {}, width = 4 } = options;
  const first = new Graph().scope('first');
  first.input('tokens', [SEQUENCES, TOKENS], 'int32');
  const e = first.input('e0', [ROWS, width]);
  const [k] = sizes[0]!;
  const opening = give(first, 0, columns(first, limited(first, e), width, k), options);
  const rest = sizes.map(([, n], i) => {
    const g = new Graph().scope(`s${i + 1}`);
    const c = g.input(`c${i + 1}`, [ROWS, n]);
    const next = sizes[i + 1];
    if (!next) {
      const x = limited(g, c);
      const isPerToken = options.kind === 'generator';
      const rows = isPerToken ? x : g.reshape(x, [SEQUENCES, TOKENS * n]);
      g.output('answer', [isPerToken ? ROWS : SEQUENCES, 16], g.slice(rows, 1, 0, 16));
      return g.graph();
    }
    const piece = pieces[i + 1] ?? ((_, x, wanted) => columns(g, limited(g, x), n, wanted));
    return give(g, i + 1, limited(g, piece(g, c, next[0])), options);
  });
  return [opening, ...rest];
}

/** A package with its bounds still open. */
export function draftChain(options: ChainOptions, graphs = graphsOf(options)): Draft {
  const { sizes, width = 4, wide = 1, kind = 'encoder' } = options;
  const values = Int8Array.from({ length: VOCABULARY * width }, (_, i) => ((i * 37) % 127) - 63);
  const table: TableSource = { width, wide, values };
  return draftOf({
    name: 'chain',
    kind,
    vocabulary: VOCABULARY,
    packing: 'u16',
    answerSize: 16,
    labels: [],
    sequences: SEQUENCES,
    tokens: TOKENS,
    linears: sizes.map(([k, n]) => ({ k, n, r: 16, weight: new Int8Array(k * n).fill(1) })),
    tables: [table],
    graphs,
    licence: '',
    attribution: '',
  });
}

/** The draft with the bounds that the checker proves. */
export function bounded(draft: Draft & Pick<Package, 'otherShapes'>): Package {
  const manifest = provenManifest(draft);
  if ('rule' in manifest) throw new Error(manifest.sentence);
  return { ...draft, manifest };
}

export const chain = (options: ChainOptions): Package => bounded(draftChain(options));
