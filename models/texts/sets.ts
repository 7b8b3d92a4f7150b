/** Draws the sets that a model is measured on, and the text that calibration reads. Pure: a seed decides. */
import { createRandom, type Random } from '../../test/sim/random.ts';
import type { Described, Gloss } from './debian.ts';
import { ODD } from './odd.ts';

export const SEED = 20261129;
const [QUERIES, DOCUMENTS] = [1000, 3000];

/** Query i belongs to document i; the other documents belong to nobody's query. */
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

export interface ReadForCalibration {
  readonly english: readonly Described[];
  readonly foreign: readonly Described[];
  readonly talk: Read['talk'];
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
    if (kept.length === DOCUMENTS) break;
  }
  return {
    queries: kept.slice(0, QUERIES).map(([query]) => query),
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

/** Lines of a calibration text: any beginning of it holds all kinds. */
export function drawCalibration(read: ReadForCalibration, seed = SEED): string[] {
  const shuffled = (name: string, from: readonly string[]): string[] =>
    createRandom(seed, `calibration ${name}`).shuffle(from);
  const long = (all: readonly Described[]): string[] =>
    all.map((one) => one.long).filter((text) => text.length > 60);
  const languages = shuffled('languages', Object.keys(read.talk));
  const talk = languages.map((lang) => shuffled(lang, read.talk[lang]!));
  const sources = [
    { each: 5, lines: shuffled('long', long(read.english)) },
    { each: 2, lines: shuffled('foreign', long(read.foreign)) },
    {
      each: 4,
      lines: shuffled(
        'short',
        read.english.map(({ short }) => short),
      ),
    },
    // A sentence of each language in turn.
    { each: 8, lines: talk[0]!.flatMap((_, i) => talk.flatMap((lines) => lines[i] ?? [])) },
    { each: 1, lines: shuffled('forms', FORMS) },
  ];
  const rounds = Math.min(...sources.slice(0, -1).map(({ each, lines }) => lines.length / each));
  const random = createRandom(seed, 'calibration order');
  return Array.from({ length: Math.floor(rounds) }, (_, i) =>
    random.shuffle(sources.flatMap(({ each, lines }) => lines.slice(i * each, (i + 1) * each))),
  ).flat();
}

/** What people write that is no sentence; none of it is among the odd texts that a model is measured on. */
const FORMS = [
  'b',
  ',',
  '!!!',
  'ok',
  '2026-12-01',
  '+39 06 1234567',
  '99.95 €',
  '🎉',
  '👍🏽 👌',
  'https://www.debian.org/doc/manuals/#index',
  'root@localhost:~# ls -la /var/log',
  'if (x == null) return -1;',
  'def f(x):  return x ** 2 + 1',
  'UPDATE users SET name = "x" WHERE id IN (1, 2, 3)',
  '{"a": [1, 2, {"b": null}]}',
  '<p lang="en">hello<br/></p>',
  'x² + y² = z²',
  'and and and and and and and and and and and and and and and and',
  'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz',
  '????????????????????????',
  '. . . . . . . . . . . .',
  'Ελληνικά γράμματα',
  'Українська мова',
  'اللغة',
  'שפה',
  'ภาษา',
  'भाषा',
  'Łódź, Köln, São Paulo, İzmir',
  'TODO FIXME XXX',
  '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16',
  'a1b2c3d4e5f6a7b8c9d0',
  'Re: Fwd: Re: (no subject)',
];
