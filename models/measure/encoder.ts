/** An imported encoder on the text sets: its exact answers against the float encoder's vectors. */
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { unitShape } from '../../src/core/manifest.ts';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import type { Source } from '../import/folder.ts';
import type { Sets } from '../texts/sets.ts';
import {
  compareSearch,
  distribution,
  dot,
  unit,
  type Distribution,
  type Retrieved,
} from './figures.ts';
import { exactVectors, floatVectors } from './vectors.ts';

export interface OddText {
  readonly text: string;
  readonly tokens: number;
  readonly cosine: number;
}

export interface EncoderFigures {
  readonly seed: number;
  /** Texts are cut at the mined shape's tokens. */
  readonly tokens: number;
  readonly all: Distribution;
  readonly withoutOdd: Distribution;
  readonly odd: readonly OddText[];
  readonly groups: ReadonlyMap<string, Distribution>;
  /** By number of tokens, as `from–to`. */
  readonly lengths: ReadonlyMap<string, Distribution>;
  /** The group of long texts, cut where each longer shape ends. */
  readonly longer: ReadonlyMap<number, Distribution>;
  readonly retrieval: ReadonlyMap<string, Retrieved>;
}

export interface EncoderInput {
  readonly source: Source;
  readonly model: ModelPackage;
  readonly sets: Sets;
  /** Names the weights and the package: vectors are kept by it. */
  readonly keys: { readonly float: string; readonly exact: string };
  /** Where vectors are kept. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** Ends of the groups by length, in tokens. */
const LENGTHS = [3, 6, 11, 19, 39, 63, Infinity];
const ODD_GROUP = 'odd';
const LONG_GROUP = 'long';

interface Group {
  readonly name: string;
  readonly texts: readonly string[];
}

/** Every text of the sets, in groups; `.q` asks, `.d` is searched. */
const groupsOf = ({ retrieval, groups }: Sets): Group[] => [
  ...Object.entries(retrieval).flatMap(([name, { queries, documents }]) => [
    { name: `${name}.q`, texts: queries },
    { name: `${name}.d`, texts: documents },
  ]),
  ...Object.entries(groups).map(([name, texts]) => ({ name, texts })),
];

function byLength(rows: readonly { length: number; cosine: number }[]): Map<string, Distribution> {
  const out = new Map<string, Distribution>();
  let from = 0;
  for (const to of LENGTHS) {
    const own = rows.filter(({ length }) => length >= from && length <= to);
    const name = to === Infinity ? `${from} and more` : `${from}–${to}`;
    if (own.length) out.set(name, distribution(own.map(({ cosine }) => cosine)));
    from = to + 1;
  }
  return out;
}

export async function measureEncoder(input: EncoderInput): Promise<EncoderFigures> {
  const { source, model, sets, keys, folder, log } = input;
  const tokeniser = await createTokeniser(source.tokenizer);
  const float = floatVectors(source.bert, keys.float, folder);
  const exact = exactVectors(model, keys.exact, folder);
  const both = async (texts: readonly string[], cut: number) => {
    const ids = texts.map((text) => tokeniser.encode(text, cut));
    const [a, b] = [(await float(ids)).map(unit), (await exact(ids)).map(unit)];
    return ids.map(({ length }, i) => ({
      length,
      float: a[i]!,
      exact: b[i]!,
      cosine: dot(a[i]!, b[i]!),
    }));
  };
  const { tokens } = unitShape(model.manifest);
  const rows = new Map<string, Awaited<ReturnType<typeof both>>>();
  for (const { name, texts } of groupsOf(sets)) {
    rows.set(name, await both(texts, tokens));
    log(`${name}: ${texts.length} texts`);
  }
  const cosines = (of: readonly { cosine: number }[]): number[] => of.map(({ cosine }) => cosine);
  const longer = new Map<number, Distribution>();
  for (const { tokens: cut } of model.manifest.shapes)
    if (cut > tokens)
      longer.set(cut, distribution(cosines(await both(sets.groups[LONG_GROUP]!, cut))));
  const retrieval = new Map<string, Retrieved>();
  for (const name of Object.keys(sets.retrieval)) {
    const [queries, documents] = [rows.get(`${name}.q`)!, rows.get(`${name}.d`)!];
    const vectors = (which: 'float' | 'exact') => ({
      queries: queries.map((row) => row[which]),
      documents: documents.map((row) => row[which]),
    });
    retrieval.set(name, compareSearch(vectors('float'), vectors('exact'), sets.seed));
    log(`${name}: searched`);
  }
  const every = [...rows.values()].flat();
  const ordinary = [...rows].filter(([name]) => name !== ODD_GROUP).flatMap(([, own]) => own);
  return {
    seed: sets.seed,
    tokens,
    all: distribution(cosines(every)),
    withoutOdd: distribution(cosines(ordinary)),
    odd: rows.get(ODD_GROUP)!.map(({ length, cosine }, i) => ({
      text: sets.groups[ODD_GROUP]![i]!,
      tokens: length,
      cosine,
    })),
    groups: new Map([...rows].map(([name, own]) => [name, distribution(cosines(own))])),
    lengths: byLength(every),
    longer,
    retrieval,
  };
}
