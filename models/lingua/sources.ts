/**
 * The texts that `lingua` learns from and that are not written for it: TypeScript's diagnostics,
 * Chromium's screens, and the locale data of the JavaScript engine. README.md lists the licences.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blake3 } from '@noble/hashes/blake3.js';
import { readPak } from './pak.ts';

const TYPESCRIPT = join(import.meta.dirname, '../../node_modules/typescript/lib');
const LOCALES = join(import.meta.dirname, '.cache/l10n/usr/lib/chromium/locales');
/** What a text in none of the languages is labelled. */
export const NONE = 'none';

export type Row = [label: string, text: string];
interface Language {
  /** Folder of TypeScript's translations; none for English. */
  readonly folder?: string;
  /** BCP 47 tag for locale data. */
  readonly tag: string;
  /** Chromium's locales. */
  readonly paks: readonly string[];
}
export const LANGUAGES: Readonly<Record<string, Language>> = {
  cs: { folder: 'cs', tag: 'cs', paks: ['cs'] },
  de: { folder: 'de', tag: 'de', paks: ['de'] },
  en: { tag: 'en', paks: ['en-US', 'en-GB'] },
  es: { folder: 'es', tag: 'es', paks: ['es', 'es-419'] },
  fr: { folder: 'fr', tag: 'fr', paks: ['fr'] },
  it: { folder: 'it', tag: 'it', paks: ['it'] },
  ja: { folder: 'ja', tag: 'ja', paks: ['ja'] },
  ko: { folder: 'ko', tag: 'ko', paks: ['ko'] },
  pl: { folder: 'pl', tag: 'pl', paks: ['pl'] },
  pt: { folder: 'pt-br', tag: 'pt-BR', paks: ['pt-BR', 'pt-PT'] },
  ru: { folder: 'ru', tag: 'ru', paks: ['ru'] },
  tr: { folder: 'tr', tag: 'tr', paks: ['tr'] },
  zh: { folder: 'zh-cn', tag: 'zh-Hans', paks: ['zh-CN'] },
  zht: { folder: 'zh-tw', tag: 'zh-Hant', paks: ['zh-TW'] },
};
const words = (text: string): string[] => text.trim().split(/\s+/);
/** Languages that are not ours, to learn "can't tell" from. */
const OTHER_PAKS =
  words(`am af ar bg bn ca da el et fa fi fil gu he hi hr hu id kn lt lv ml mr ms nb nl
  ro sk sl sr sv sw ta te th uk ur vi`);
const OTHER_TAGS =
  words(`af ar az be bg bn bs ca cy da el et eu fa fi fil ga gl he hi hr hu hy id is ka
  kk km ky lo lt lv mk mn ms my nb ne nl nn ro si sk sl sq sr sv sw ta th uk ur uz vi zu`);

/** Without placeholders, quoted code and option names: what is left is the language. */
const cleanDiagnostic = (text: string): string =>
  text
    .replace(/['"“”„«»‘’]?\{\d\}['"“”„«»‘’]?/g, ' ')
    .replace(/'[^']{1,40}'/g, ' ')
    .replace(/--\w+|[<>{}[\]_/\\|`]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** Without tags, placeholders, links and access keys; nothing where a plural's forms are listed. */
export const cleanScreen = (text: string): string =>
  /[{}]/.test(text)
    ? ''
    : text
        .replace(/<[^>]*>/g, ' ')
        .replace(/\(&\w\)|&(?=\p{L})/gu, '')
        .replace(/['"“”„«»‘’「」]?\$\d+['"“”„«»‘’「」]?/g, ' ')
        .replace(/https?:\S+|[\w-]+\.\w+\/\S*|[<>[\]_/\\|`]/g, ' ')
        .replace(/\s+/g, ' ')
        .trim();

/** A tenth of all ids or texts, the same in every language. */
const isHeld = (key: string): boolean => blake3(new TextEncoder().encode(key))[0]! < 26;

/** [label, id of the message, text] of every diagnostic in every language. */
function* diagnostics(): Generator<[string, number, string]> {
  for (const [label, { folder }] of Object.entries(LANGUAGES)) {
    if (!folder) continue;
    const path = join(TYPESCRIPT, folder, 'diagnosticMessages.generated.json');
    const messages = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    for (const [key, text] of Object.entries(messages)) {
      const id = /_(\d+)$/.exec(key)?.[1];
      if (id) yield [label, Number(id), text];
    }
  }
  const source = readFileSync(join(TYPESCRIPT, 'typescript.js'), 'utf8');
  const call = /diag\((\d+), \d+ \/\* \w+ \*\/, "[^"]*", ("(?:[^"\\]|\\.)*")/g;
  for (const [, id, text] of source.matchAll(call))
    yield ['en', Number(id), JSON.parse(text!) as string];
}

export interface Split {
  readonly train: Row[];
  readonly held: Row[];
}

/** A message is held out in every language at once, so that no translation of it was ever seen. */
export function diagnosticRows(): Split {
  const split: Split = { train: [], held: [] };
  for (const [label, id, text] of diagnostics()) {
    const cleaned = cleanDiagnostic(text);
    if (cleaned) (id % 10 ? split.train : split.held).push([label, cleaned]);
  }
  return split;
}

const folded = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ');

/** Rows whose text only one label has: what two share says nothing. */
function unshared(rows: readonly Row[]): Row[] {
  const owners = new Map<string, string | undefined>();
  for (const [label, text] of rows) {
    const key = folded(text);
    owners.set(key, owners.has(key) && owners.get(key) !== label ? undefined : label);
  }
  const seen = new Set<string>();
  return rows.filter(([, text]) => {
    if (!owners.get(folded(text)) || seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

/** Chromium's screens; held out by the English text, for one text may have many ids. */
export function screenRows(): Split {
  const english = readPak(readFileSync(join(LOCALES, 'en-US.pak'))).texts;
  const held = new Set([...english].filter(([, t]) => isHeld(folded(t))).map(([id]) => id));
  const all: [number, Row][] = [];
  const take = (label: string, pak: string): void => {
    for (const [id, text] of readPak(readFileSync(join(LOCALES, `${pak}.pak`))).texts) {
      if (label !== 'en' && text === english.get(id)) continue;
      const cleaned = cleanScreen(text);
      if ((cleaned.match(/\p{L}/gu)?.length ?? 0) < 2) continue;
      all.push([id, [label, [...cleaned].slice(0, 400).join('')]]);
    }
  };
  for (const [label, { paks }] of Object.entries(LANGUAGES)) for (const p of paks) take(label, p);
  for (const pak of OTHER_PAKS) take(NONE, pak);
  const kept = new Set(unshared(all.map(([, row]) => row)));
  const part = (of: boolean): Row[] =>
    all.filter(([id, row]) => held.has(id) === of && kept.has(row)).map(([, row]) => row);
  const train = part(false);
  const known = new Set(train.map(([, text]) => folded(text)));
  return { train, held: part(true).filter(([, text]) => !known.has(folded(text))) };
}

const codes = (kind: 'region' | 'language' | 'currency'): string[] => {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  if (kind === 'currency') return Intl.supportedValuesOf('currency');
  const two = letters.flatMap((a) => letters.map((b) => a + b));
  return kind === 'region' ? two.map((x) => x.toUpperCase()) : two;
};

function* names(tag: string): Generator<string> {
  for (const kind of ['region', 'language', 'currency'] as const) {
    const display = new Intl.DisplayNames([tag], { type: kind, fallback: 'none' });
    for (const code of codes(kind)) {
      const name = display.of(code);
      if (name) yield name;
    }
  }
}

const SPANS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
function* phrases(tag: string): Generator<string> {
  for (const unit of Intl.supportedValuesOf('unit'))
    yield new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' }).format(5);
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });
  for (const unit of SPANS)
    for (const n of [-5, -2, -1, 0, 1, 2, 5]) yield relative.format(n, unit);
  const date = new Intl.DateTimeFormat(tag, { dateStyle: 'full', timeZone: 'UTC' });
  for (let day = 0; day < 366; day += 5) yield date.format(Date.UTC(2024, 0, 1 + day));
}

/** Names, dates and units of every language. */
export function localeRows(): Row[] {
  const of = (label: string, tag: string): Row[] =>
    [...names(tag), ...phrases(tag)].map((text): Row => [label, text]);
  return unshared([
    ...Object.entries(LANGUAGES).flatMap(([label, { tag }]) => of(label, tag)),
    ...OTHER_TAGS.flatMap((tag) => of(NONE, tag)),
  ]);
}
