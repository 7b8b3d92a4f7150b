/**
 * Training data of `lingua`, from packages already installed: TypeScript's localized diagnostics
 * (Apache-2.0) and the names, dates and units of the JavaScript engine's own locale data (CLDR).
 * Writes .cache/data.json: { train, held }, each a list of [label, text]; see README.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const TYPESCRIPT = join(HERE, '../../node_modules/typescript/lib');

/** Label → folder of TypeScript's translations (none for English) and BCP 47 tag. */
const LANGUAGES: Record<string, { folder?: string; tag: string }> = {
  cs: { folder: 'cs', tag: 'cs' },
  de: { folder: 'de', tag: 'de' },
  en: { tag: 'en' },
  es: { folder: 'es', tag: 'es' },
  fr: { folder: 'fr', tag: 'fr' },
  it: { folder: 'it', tag: 'it' },
  ja: { folder: 'ja', tag: 'ja' },
  ko: { folder: 'ko', tag: 'ko' },
  pl: { folder: 'pl', tag: 'pl' },
  pt: { folder: 'pt-br', tag: 'pt-BR' },
  ru: { folder: 'ru', tag: 'ru' },
  tr: { folder: 'tr', tag: 'tr' },
  zh: { folder: 'zh-cn', tag: 'zh-Hans' },
  zht: { folder: 'zh-tw', tag: 'zh-Hant' },
};

type Row = [label: string, text: string];

/** Without placeholders, quoted code and option names: what is left is the language. */
const clean = (text: string): string =>
  text
    .replace(/['"“”„«»‘’]?\{\d\}['"“”„«»‘’]?/g, ' ')
    .replace(/'[^']{1,40}'/g, ' ')
    .replace(/--\w+|[<>{}[\]_/\\|`]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

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

function* phrases(tag: string): Generator<string> {
  for (const unit of Intl.supportedValuesOf('unit'))
    yield new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' }).format(5);
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });
  for (const unit of [
    'second',
    'minute',
    'hour',
    'day',
    'week',
    'month',
    'quarter',
    'year',
  ] as const)
    for (const n of [-5, -2, -1, 0, 1, 2, 5]) yield relative.format(n, unit);
  const date = new Intl.DateTimeFormat(tag, { dateStyle: 'full', timeZone: 'UTC' });
  for (let day = 0; day < 366; day += 5) yield date.format(Date.UTC(2024, 0, 1 + day));
}

/** Locale data of every language; a text that two languages share says nothing and is left out. */
function localeRows(): Row[] {
  const owners = new Map<string, Set<string>>();
  for (const [label, { tag }] of Object.entries(LANGUAGES))
    for (const text of [...names(tag), ...phrases(tag)])
      owners.set(text, (owners.get(text) ?? new Set()).add(label));
  return [...owners].flatMap(([text, set]): Row[] =>
    set.size === 1 ? [[[...set][0]!, text]] : [],
  );
}

const train: Row[] = [];
const held: Row[] = [];
// A message is held out in every language at once, so that no translation of it was ever seen.
for (const [label, id, text] of diagnostics()) {
  const cleaned = clean(text);
  if (cleaned) (id % 10 ? train : held).push([label, cleaned]);
}
mkdirSync(join(HERE, '.cache'), { recursive: true });
const locale = localeRows();
writeFileSync(
  join(HERE, '.cache/data.json'),
  JSON.stringify({ labels: Object.keys(LANGUAGES), train, held, locale }),
);
console.log(`train ${train.length}, held out ${held.length}, locale ${locale.length}`);
