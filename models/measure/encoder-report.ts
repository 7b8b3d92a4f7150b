/** What is said of a measured encoder, and whether it is good enough. */
import type { Distribution, Retrieved } from './figures.ts';
import type { EncoderFigures } from './encoder.ts';

/** What an encoder must reach to be mined by others: below, its report warns. */
export const BARS = {
  median: 0.996,
  p1: 0.987,
  /** Of all texts but the odd ones. */
  min: 0.97,
  oddMin: 0.85,
  /** Mean over all queries. */
  overlap: 0.92,
  /** The 95 % interval of MRR@10's difference lies within, either way. */
  mrr: 0.01,
} as const;

/** Searches whose MRR@10 is judged. */
const JUDGED = ['debian', 'wordnet'];

export function meanOverlap(retrieval: ReadonlyMap<string, Retrieved>): number {
  const all = [...retrieval.values()];
  const queries = all.reduce((sum, one) => sum + one.queries, 0);
  return all.reduce((sum, one) => sum + one.queries * one.overlap, 0) / queries;
}

const four = (value: number): string => value.toFixed(4);
const percent = (value: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(2)} %`;

/** What is below the bars, in sentences; none where all is well. */
export function shortfalls(f: EncoderFigures): string[] {
  const least = Math.min(...f.odd.map(({ cosine }) => cosine));
  const low: string[] = [
    ['median', f.all.median, BARS.median] as const,
    ['p1', f.all.p1, BARS.p1] as const,
    ['least without odd texts', f.withoutOdd.min, BARS.min] as const,
    ['least of odd texts', least, BARS.oddMin] as const,
    ['overlap@10', meanOverlap(f.retrieval), BARS.overlap] as const,
  ].flatMap(([what, is, bar]) => (is >= bar ? [] : [`${what} is ${four(is)}, below ${bar}`]));
  for (const name of JUDGED) {
    const [from, to] = f.retrieval.get(name)?.interval ?? [0, 0];
    if (from < -BARS.mrr || to > BARS.mrr)
      low.push(`MRR@10 of ${name} may differ by ${percent(from)} to ${percent(to)}`);
  }
  return low;
}

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const cosines = (name: string, { count, median, p1, min }: Distribution): string =>
  row(name, count, four(median), four(p1), four(min));
/** Long or unseen characters as they would be written in code. */
const shown = (text: string): string => {
  const written = JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}…` : text);
  return `\`${written.replaceAll('|', '\\|').replace(/[\u200b-\u200d]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)}\``;
};

export interface AboutModel {
  readonly name: string;
  /** `of` the exact package: id, sizes, times; a line of a table each. */
  readonly facts: readonly (readonly [what: string, is: string])[];
}

export function encoderReport({ name, facts }: AboutModel, f: EncoderFigures): string {
  const low = shortfalls(f);
  const searches = [...f.retrieval].map(([search, r]) =>
    row(
      search,
      r.queries,
      r.documents,
      r.mrr.map(four).join(' → '),
      `${percent(r.difference)} [${r.interval.map(percent).join(', ')}]`,
      r.recall1.map(four).join(' → '),
      r.recall10.map(four).join(' → '),
      r.overlap.toFixed(3),
      r.sameFirst.toFixed(3),
    ),
  );
  const longer = [...f.longer].map(([tokens, d]) =>
    cosines(`long texts, cut at ${tokens} tokens`, d),
  );
  return `# ${name}: exact against float

${low.length ? low.map((what) => `**Warning: ${what}.**`).join('\n') : 'Above every bar.'}

${f.all.count} texts by \`model:texts\`, seed ${f.seed}, cut at ${f.tokens} tokens. \
Bars: median ${BARS.median}, p1 ${BARS.p1}, least ${BARS.min} without the ${f.odd.length} odd texts and ${BARS.oddMin} \
with them, overlap@10 ${BARS.overlap}, MRR@10 of ${JUDGED.join(' and ')} within ±${100 * BARS.mrr} %.

| cosine to the float encoder | texts | median | p1 | min |
|---|---|---|---|---|
${cosines('**all**', f.all)}
${cosines('**all but the odd**', f.withoutOdd)}
${[...f.lengths].map(([tokens, d]) => cosines(`${tokens} tokens`, d)).join('\n')}
${longer.map((line) => `${line}\n`).join('')}
Float → exact, and the 95 % interval of MRR@10's difference over 2,000 resamples of the queries;
overlap@10 over all queries ${meanOverlap(f.retrieval).toFixed(3)}:

| search | queries | documents | MRR@10 | difference | recall@1 | recall@10 | overlap@10 | same first |
|---|---|---|---|---|---|---|---|---|
${searches.join('\n')}

| | |
|---|---|
${facts.map(([what, is]) => row(what, is)).join('\n')}

By group (.q asks, .d is searched):

| group | texts | median | p1 | min |
|---|---|---|---|---|
${[...f.groups].map(([group, d]) => cosines(group, d)).join('\n')}

Odd texts:

| text | tokens | cosine |
|---|---|---|
${f.odd.map(({ text, tokens, cosine }) => row(shown(text), tokens, four(cosine))).join('\n')}
`;
}
