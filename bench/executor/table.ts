/** The figures of the executor and the kernels beside what they were to be, as one table. */
import { DECODER_LAYER, decoderPackage } from '../../test/models/decoder.ts';
import { createEncoder, SHAPES } from '../encoders.ts';
import { tableOf, type Row } from '../side-by-side.ts';
import { measureDecode, type DecodeFigures } from './decode.ts';
import { measureShape, type ShapeFigures } from './shape.ts';
import { measureShort, type ShortFigures } from './short.ts';
import { measureStart, type StartFigures } from './start.ts';

const LAYERS = ['384', '768', '1024', 'minilm', 'bert'] as const;
export const PARTS = [...LAYERS, 'decoder', 'short', 'decode', 'start'] as const;
export type Part = (typeof PARTS)[number];

export interface ExecutorFigures {
  readonly shapes: readonly { readonly name: string; readonly figures: ShapeFigures }[];
  readonly short?: ShortFigures;
  readonly decode?: DecodeFigures;
  readonly start?: StartFigures;
}

/** Rows of a unit: eight sequences of 64 tokens of a whole encoder, 256 of a layer. */
const rowsOf = (key: string): number => (key === 'minilm' || key === 'bert' ? 512 : 256);

/** Rounds of what takes seconds. */
const FEW = 5;

export async function measureExecutor(
  parts: readonly Part[],
  rounds: number,
  log: (line: string) => void,
): Promise<ExecutorFigures> {
  const shapes: { name: string; figures: ShapeFigures }[] = [];
  for (const key of LAYERS.filter((part) => parts.includes(part))) {
    const encoder = await createEncoder(SHAPES[key]!, rowsOf(key));
    const name = `${encoder.shape.name}, ${encoder.sequences}×${encoder.tokens}`;
    log(name);
    const few = key === 'bert' ? Math.min(rounds, FEW) : rounds;
    shapes.push({ name, figures: await measureShape(encoder.model, few, encoder) });
  }
  if (parts.includes('decoder')) {
    log('decoder layer');
    const figures = await measureShape(decoderPackage(DECODER_LAYER), rounds);
    shapes.push({ name: 'decoder layer 576/1536, 2×128', figures });
  }
  return {
    shapes,
    ...(parts.includes('short') && { short: await measureShort(4 * rounds) }),
    ...(parts.includes('decode') && { decode: await measureDecode(rounds) }),
    ...(parts.includes('start') && { start: measureStart('lingua', FEW) }),
  };
}

const ms = (x: number): string => x.toFixed(1);
const ratio = (x: number): string => x.toFixed(2);
const orNothing = (x: number): string => (Number.isNaN(x) ? '–' : ratio(x));

const SHAPE_HEAD = [
  'shape',
  'segments before, ms',
  'now',
  'now ÷ before',
  'plain pass, ms',
  'noisy unit, ms',
  'noisy ÷ plain, same product',
  'noisy ÷ fastest plain',
  'float ÷ plain, executor alone',
  'float ÷ fastest plain',
  'product, speed ÷ before',
  'peel, ms',
  'peel ÷ before',
  'o',
];

const shapeRow = ({ name, figures: f }: ExecutorFigures['shapes'][number]): Row => [
  name,
  ms(f.segmentsBeforeMs),
  ms(f.segmentsMs),
  ratio(f.segmentsRatio),
  ms(f.plainMs),
  ms(f.noisyMs),
  ratio(f.noisyOverWide),
  ratio(f.noisyOverPlain),
  orNothing(f.floatOverWide),
  orNothing(f.floatOverPlain),
  ratio(f.productSpeed),
  ms(f.peelMs),
  ratio(f.peelRatio),
  ratio(f.overhead),
];

function otherRows({ short, decode, start }: ExecutorFigures): Row[] {
  const rows: Row[] = [];
  if (short)
    rows.push([
      'a text of 12 tokens, MiniLM: plain pass ÷ float encoder',
      `${ms(short.ms)} ÷ ${ms(short.floatMs)} ms`,
      ratio(short.ratio),
      '≤ 0.8',
    ]);
  if (decode)
    rows.push([
      `one row through ${(decode.bytes / 1e6).toFixed(0)} MB of weights: speed ÷ that of reading them`,
      `${ms(decode.readMs)} ÷ ${ms(decode.ms)} ms`,
      ratio(decode.share),
      '≥ 0.8',
    ]);
  if (start)
    rows.push([
      'first unit of lingua after Start: now ÷ before',
      `${ms(start.ms)} ÷ ${ms(start.beforeMs)} ms`,
      ratio(start.ratio),
      '≤ 0.25',
    ]);
  return rows;
}

export const executorReport = (figures: ExecutorFigures): string[] => [
  '## Executor and kernels',
  '',
  'Ratios within a round, medians; processor time of one thread. Before: commit 606bfe0, segments on ONNX Runtime. Goals: segments ≤ 0.22 × before (decoder 0.27), float ÷ plain ≥ 2.3 with the executor alone and ≥ 2.6, product ≥ 1.2 × as fast, peel ≤ 0.67 × before.',
  '',
  ...tableOf(SHAPE_HEAD, figures.shapes.map(shapeRow)),
  '',
  ...tableOf(['figure', 'times', 'ratio', 'goal'], otherRows(figures)),
];
