/** How good labelled answers are: what is right, what is mistaken for what, and calibration. Pure. */
import { NONE, readRow } from '../src/core/reading.ts';

export interface Scored {
  readonly label: string;
  readonly text: string;
  readonly best: string;
  readonly confidence: number;
  /** Undefined: can't tell. */
  readonly told: string | undefined;
}

export const scored = (
  [label, text]: readonly [string, string],
  row: readonly number[],
  labels: readonly string[],
): Scored => {
  const { best, confidence, label: told } = readRow(row, labels);
  return { label, text, best, confidence: confidence ?? 0, told };
};

export interface Score {
  readonly count: number;
  /** The largest logit is the label. */
  readonly right: number;
  /** Answers that tell a language, and how many of these are right. */
  readonly told: number;
  readonly toldRight: number;
  /** `label→told`, the commonest first. */
  readonly confusions: readonly (readonly [string, number])[];
}

export function scoreOf(rows: readonly Scored[]): Score {
  const wrong = new Map<string, number>();
  for (const { label, best } of rows)
    if (label !== best) wrong.set(`${label}→${best}`, (wrong.get(`${label}→${best}`) ?? 0) + 1);
  const told = rows.filter((r) => r.told !== undefined);
  return {
    count: rows.length,
    right: rows.filter((r) => r.best === r.label).length,
    told: told.length,
    toldRight: told.filter((r) => r.told === r.label).length,
    confusions: [...wrong].sort((a, b) => b[1] - a[1]),
  };
}

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Means over the bin. */
  readonly confidence: number;
  readonly accuracy: number;
}

const EDGES = [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1];

/** Reliability by confidence, and the expected calibration error over these bins. */
export function reliability(rows: readonly Scored[]): { bins: Bin[]; ece: number } {
  const bins = EDGES.slice(1).map((to, i): Bin => {
    const from = EDGES[i]!;
    const inside = rows.filter(
      ({ confidence: c }) => c >= from && (c < to || (to === 1 && c === 1)),
    );
    const mean = (of: (r: Scored) => number): number =>
      inside.reduce((sum, r) => sum + of(r), 0) / Math.max(1, inside.length);
    return {
      from,
      to,
      count: inside.length,
      confidence: mean((r) => r.confidence),
      accuracy: mean((r) => Number(r.best === r.label)),
    };
  });
  const gap = (b: Bin): number => b.count * Math.abs(b.confidence - b.accuracy);
  return { bins, ece: bins.reduce((sum, b) => sum + gap(b), 0) / Math.max(1, rows.length) };
}

/** Texts in no known language: how many are told to be none, "can't tell", or a language. */
export const refused = (rows: readonly Scored[]): { none: number; unsure: number } => ({
  none: rows.filter((r) => r.best === NONE).length,
  unsure: rows.filter((r) => r.best !== NONE && r.told === undefined).length,
});
