/** Draws the sets that a model is measured on. Pure: a seed decides. */
import { createRandom, type Random } from '../../test/sim/random.ts';
import type { Described, Gloss } from './debian.ts';
import { ODD } from './odd.ts';

export const SEED = 20261129;
/** So many that the interval of a difference in MRR@10 is about 1 % wide; with 1,000 queries it is twice that. */
const PAIRS = 3000;

/** Query i belongs to document i. */
export interface Retrieval {
  readonly queries: readonly string[];
  readonly documents: readonly string[];
}

export interface Sets {
  readonly seed: number;
  readonly retrieval: Readonly<Record<string, Retrieval>>;
  /** By name; `odd` are those that hardly are texts. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

export interface Read {
  /** By language. */
  readonly descriptions: Readonly<Record<string, readonly Described[]>>;
  readonly manuals: readonly Described[];
  readonly glosses: readonly Gloss[];
  /** Everyday sentences, by language. */
  readonly talk: Readonly<Record<string, readonly string[]>>;
}

/** The same query or document is taken once. */
function retrieval(random: Random, pairs: readonly (readonly [string, string])[]): Retrieval {
  const seen = new Set<string>();
  const kept: (readonly [string, string])[] = [];
  for (const [query, document] of random.shuffle(pairs)) {
    const keys = [`q ${query.toLowerCase()}`, `d ${document.slice(0, 160).toLowerCase()}`];
    if (keys.some((key) => seen.has(key))) continue;
    for (const key of keys) seen.add(key);
    kept.push([query, document]);
    if (kept.length === PAIRS) break;
  }
  return {
    queries: kept.map(([query]) => query),
    documents: kept.map(([, document]) => document),
  };
}

const described = (all: readonly Described[]): (readonly [string, string])[] =>
  all
    .filter(({ short, long }) => long.length >= 120 && short.length >= 12)
    .map(({ short, long }) => [short, long]);

export function drawSets(read: Read, seed = SEED): Sets {
  const draw = (name: string, from: readonly string[], count: number): string[] =>
    createRandom(seed, name).shuffle(from).slice(0, count);
  const debian = retrieval(createRandom(seed, 'debian'), described(read.descriptions.en!));
  const taken = new Set(debian.documents);
  const long = read.descriptions.en!.map((d) => d.long).filter((text) => text.length > 900);
  const single = read.glosses.map(({ words }) => words);
  const foreign = Object.entries(read.descriptions).filter(([lang]) => lang !== 'en');
  return {
    seed,
    retrieval: {
      debian,
      manual: retrieval(createRandom(seed, 'manual'), described(read.manuals)),
      wordnet: retrieval(
        createRandom(seed, 'wordnet'),
        read.glosses
          .filter(({ gloss }) => gloss.length > 20)
          .map(({ gloss, words }) => [gloss, words]),
      ),
    },
    groups: {
      words: draw(
        'words',
        single.filter((words) => !words.includes(',') && words.length < 14),
        150,
      ),
      long: draw(
        'long',
        long.filter((text) => !taken.has(text)),
        100,
      ),
      ...Object.fromEntries(
        foreign.map(([lang, all]) => [
          `debian-${lang}`,
          draw(
            `debian-${lang}`,
            all.map((d) => d.long).filter((text) => text.length > 60),
            60,
          ),
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(read.talk).map(([lang, lines]) => [`talk-${lang}`, lines.slice(0, 40)]),
      ),
      odd: ODD,
    },
  };
}
