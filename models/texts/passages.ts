/**
 * Passages of several kinds, of documents that Debian's packages hold: what a language model is measured on. Pure: a
 * seed draws them.
 */
import { createRandom, type Random } from '../../test/sim/random.ts';
import { unpack } from './debian.ts';

/** `known`: what many models know by heart. */
export const TEXT_KINDS = ['prose', 'code', 'dialogue', 'lists', 'known'] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

export interface Passage {
  readonly kind: TextKind;
  /** Package and file. */
  readonly name: string;
  /** More than so many tokens of it as `tokens` says, as a rule. */
  readonly text: string;
  /** Where it is cut. */
  readonly tokens: number;
}

export interface Passages {
  readonly seed: number;
  readonly passages: readonly Passage[];
}

/** Files by path, of packages by name. */
export type Packages = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

interface Document {
  readonly name: string;
  readonly text: string;
}

/** Where documents of a kind are, and how many passages are drawn from there. */
interface Place {
  readonly kind: TextKind;
  readonly package: string;
  readonly paths: RegExp;
  readonly read: (text: string) => string;
  readonly short: number;
  readonly long: number;
  /** All files as one document, in the order of their paths. */
  readonly isOne?: boolean;
}

const SHORT = { tokens: 512, chars: 3000 };
const LONG = { tokens: 2048, chars: 12_000 };
const PARAGRAPH_CHARS = 80;

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

const plain = (marked: string): string =>
  marked
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, number, hex, name: string) => {
      if (name) return NAMED[name] ?? all;
      return String.fromCodePoint(number ? Number(number) : parseInt(hex as string, 16));
    })
    .replace(/\s+/g, ' ')
    .trim();

/** Paragraphs of a page of HTML, but for those of a few words. */
export function paragraphs(page: string): string {
  const found = page.matchAll(/<(p|div class="para")[^>]*>(.*?)<\/(?:p|div)>/gs);
  return [...found]
    .map(([, , inner]) => plain(inner!))
    .filter((text) => text.length > PARAGRAPH_CHARS)
    .join('\n\n');
}

/** What is said in a scenario of The Battle for Wesnoth, and by whom; those without a name tell. */
export function conversation(scenario: string): string {
  const messages = scenario.replace(/^\s*#.*$/gm, '').matchAll(/\[message\](.*?)\[\/message\]/gs);
  const said = [...messages].flatMap(([, message]) => {
    const speaker = /^\s*speaker\s*=\s*"?([^"\n]*?)"?\s*$/m.exec(message!)?.[1];
    const words = /^\s*message\s*=\s*_\s*"((?:[^"]|"")*)"/m.exec(message!)?.[1];
    if (speaker === undefined || words === undefined) return [];
    const text = plain(words.replaceAll('""', '"'));
    return /^[A-Z]/.test(speaker) ? `${speaker}: ${text}` : text;
  });
  return said.join('\n\n');
}

/** Descriptions of packages that have a list. */
export function listed(translation: string): string {
  const blocks = translation.split('\n\n').flatMap((block) => {
    const [, name, short, body] =
      /^Package: (.*)\n(?:.*\n)?Description-en: (.*)\n((?: .*\n?)*)/m.exec(block) ?? [];
    const lines = (body ?? '').trimEnd().split('\n');
    if (lines.filter((line) => /^ +[*-] /.test(line)).length < 4) return [];
    const text = lines.map((line) => line.replace(/^ \.?/, '')).join('\n');
    return `${name}: ${short}\n${text}`;
  });
  return blocks.join('\n\n');
}

const same = (text: string): string => text;
const fortunes = (text: string): string => text.replaceAll('\n%\n', '\n\n- ');

const CAMPAIGN = /\/scenarios\/[^/]*\.cfg$/;
const PLACES: readonly Place[] = [
  ...(
    [
      ['anarchism', /\/html\/sec.*\.html$/, 8, 2],
      ['harden-doc', /\/html\/en-US\/ch.*\.html$/, 4, 1],
      ['developers-reference', /^usr\/share\/developers-reference\/[bprt][a-z-]*\.html$/, 4, 1],
    ] as const
  ).map(([name, paths, short, long]): Place => {
    return { kind: 'prose', package: name, paths, read: paragraphs, short, long };
  }),
  ...(
    [
      ['libpython3.11-stdlib', /^usr\/lib\/python3\.11\/[a-z]+\.py$/, 6, 2],
      ['libpython3.11-stdlib', /^usr\/lib\/python3\.11\/[a-z]+\/[a-z_]+\.py$/, 5, 1],
      ['node-underscore', /\/underscore-esm\.js$/, 5, 1],
    ] as const
  ).map(([name, paths, short, long]): Place => {
    return { kind: 'code', package: name, paths, read: same, short, long };
  }),
  ...(
    [
      ['wesnoth-1.16-dm', 6, 1],
      ['wesnoth-1.16-dw', 5, 1],
      ['wesnoth-1.16-l', 5, 1],
    ] as const
  ).map(([name, short, long]): Place => {
    const read = conversation;
    return { kind: 'dialogue', package: name, paths: CAMPAIGN, read, short, long, isOne: true };
  }),
  ...(
    [
      ['wesnoth-1.16-dm', /\/changelog\.gz$/, same, 4, 1],
      ['harden-doc', /\/changelog\.gz$/, same, 3, 0],
      ['fortunes', /\/fortunes\/definitions$/, fortunes, 3, 1],
      ['descriptions', /^Translation-en$/, listed, 6, 1],
    ] as const
  ).map(([name, paths, read, short, long]): Place => {
    return { kind: 'lists', package: name, paths, read, short, long };
  }),
  {
    kind: 'known',
    package: 'miscfiles',
    paths: /\/us-(constitution|declaration)\.gz$/,
    read: same,
    short: 4,
    long: 0,
  },
];

/** Names of the packages that passages are drawn from. */
export const PASSAGE_PACKAGES: ReadonlySet<string> = new Set(PLACES.map((place) => place.package));

function documents({ package: name, paths, read, isOne }: Place, packages: Packages): Document[] {
  const files = [...(packages.get(name) ?? [])]
    .filter(([path]) => paths.test(path))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, bytes]) => ({
      name: `${name} ${path.slice(path.lastIndexOf('/') + 1)}`,
      text: read(new TextDecoder().decode(unpack(path, bytes))).replace(/\n{3,}/g, '\n\n'),
    }));
  return isOne ? [{ name, text: files.map(({ text }) => text).join('\n\n') }] : files;
}

/** A document's disjoint pieces of `chars` characters or a little more: each begins with a line. */
function pieces({ text }: Document, chars: number): string[] {
  const found: string[] = [];
  for (let from = 0; from + chars <= text.length;) {
    const end = text.indexOf('\n', from + chars);
    const to = end < 0 ? text.length : end;
    found.push(text.slice(from, to).replace(/^\n+/, ''));
    from = to + 1;
  }
  return found;
}

/** `count` pieces, from as many documents as there are: then of each a second one. */
function drawn(
  random: Random,
  from: readonly Document[],
  { chars, count }: { readonly chars: number; readonly count: number },
): { readonly name: string; readonly text: string }[] {
  const open = random
    .shuffle(from)
    .map((document) => ({ name: document.name, left: random.shuffle(pieces(document, chars)) }));
  const taken: { name: string; text: string }[] = [];
  for (let turn = 0; taken.length < count && turn < count; turn++)
    for (const { name, left } of open) {
      const text = left.pop();
      if (text !== undefined && taken.length < count) taken.push({ name, text });
    }
  return taken;
}

/** @throws Error where there are fewer than wanted */
export function drawPassages(packages: Packages, seed: number): Passages {
  const passages = PLACES.flatMap((place, at) => {
    const from = documents(place, packages);
    return ([SHORT, LONG] as const).flatMap(({ tokens, chars }) => {
      const count = tokens === SHORT.tokens ? place.short : place.long;
      const random = createRandom(seed, `${at} ${place.package} ${tokens}`);
      const found = drawn(random, from, { chars, count });
      if (found.length < count)
        throw new Error(`${place.package} has ${found.length} passages, not ${count}`);
      return found.map((piece): Passage => ({ kind: place.kind, ...piece, tokens }));
    });
  });
  return { seed, passages };
}
