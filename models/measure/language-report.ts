/** What is said of a measured language model, and whether it is good enough. */
import type { ChatMessage } from '../../src/client/api.ts';
import { TEXT_KINDS, type TextKind } from '../texts/passages.ts';
import type { AboutModel } from './encoder-report.ts';
import {
  firstDifference,
  isLoop,
  languageFigures,
  partOf,
  type Compared,
  type LanguageFigures,
} from './language-figures.ts';
import type { Answers } from './language-jobs.ts';

/** What a served language model must reach: below, its report warns. Texts that it knows by heart have no bar. */
export const LANGUAGE_BARS = {
  /** Perplexity over float's, all kinds together. */
  ratio: 1.015,
  top1: 0.92,
  /** Perplexity over float's, of each kind. */
  kindRatio: 1.03,
} as const;
const TOP1_GOAL = 0.94;

/** Ends of ranges of positions, of the passages that reach beyond the first. */
const POSITIONS = [512, 1024, 2048];
/** Tokens at which greedy answers are compared. */
const PLACES = [16, 32, 64];

export interface ComparedPassage {
  readonly kind: TextKind;
  readonly compared: Compared;
}

export interface Chat {
  readonly turns: readonly ChatMessage[];
  /** Texts of the answers, as tokens decode. */
  readonly float: string;
  readonly exact: string;
}

export interface LanguageMeasures {
  readonly passages: readonly ComparedPassage[];
  /** The best token always, without penalty. */
  readonly greedy: Answers;
  /** With the model's own options. */
  readonly usual: Answers;
  /** Tokens that end an answer. */
  readonly stops: readonly number[];
  readonly chats: readonly Chat[];
}

const judged = ({ kind }: ComparedPassage): boolean => kind !== 'known';

function figuresByKind(
  passages: readonly ComparedPassage[],
): (readonly [TextKind, LanguageFigures])[] {
  return TEXT_KINDS.flatMap((kind) => {
    const own = passages.filter((p) => p.kind === kind).map(({ compared }) => compared);
    return own.length ? [[kind, languageFigures(own)] as const] : [];
  });
}

/** What is below the bars, in sentences; none where all is well. */
export function languageShortfalls(passages: readonly ComparedPassage[]): string[] {
  const own = passages.filter(judged);
  const all = languageFigures(own.map(({ compared }) => compared));
  const low: string[] = [];
  if (!(all.ratio <= LANGUAGE_BARS.ratio))
    low.push(`perplexity is ${four(all.ratio)} of float's, above ${LANGUAGE_BARS.ratio}`);
  if (!(all.top1 >= LANGUAGE_BARS.top1))
    low.push(`top-1 is ${four(all.top1)}, below ${LANGUAGE_BARS.top1}`);
  for (const [kind, { ratio }] of figuresByKind(own))
    if (!(ratio <= LANGUAGE_BARS.kindRatio))
      low.push(
        `perplexity of ${kind} is ${four(ratio)} of float's, above ${LANGUAGE_BARS.kindRatio}`,
      );
  return low;
}

const four = (value: number): string => value.toFixed(4);
const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const figuresRow = (name: string, f: LanguageFigures): string =>
  row(
    name,
    f.texts,
    f.tokens,
    f.perplexity.map((p) => p.toFixed(2)).join(' → '),
    `${four(f.ratio)} ± ${f.within.toFixed(4)}`,
    four(f.top1),
    four(f.divergence),
  );
const HEAD =
  '| passages | tokens | perplexity | ratio | top-1 | KL |\n|---|---|---|---|---|---|---|';

/** Ranges of positions, each of the same passages. */
function positions(passages: readonly ComparedPassage[]): string[] {
  const long = passages.filter((p) => judged(p) && p.compared.float.length >= POSITIONS[0]!);
  if (!long.length) return [];
  return POSITIONS.flatMap((to, i) => {
    const from = i ? POSITIONS[i - 1]! : 0;
    const parts = long.map(({ compared }) => partOf(compared, from, to));
    if (parts.every(({ float }) => !float.length)) return [];
    return [figuresRow(`${from}–${to}`, languageFigures(parts))];
  });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;

/** How long the two say the same. */
function agreement({ float, exact }: Answers): string {
  const at = float.map((ids, i) => firstDifference(ids, exact[i]!) ?? Infinity);
  const shares = PLACES.map((place) => {
    const same = at.filter((first) => first >= place).length;
    return `${same} of ${at.length} for ${place} tokens`;
  });
  const ended = at.filter((first) => first === Infinity).length;
  const half = median(at);
  return (
    `Greedy answers to the ${at.length} chats are the same for a median of ` +
    `${half === Infinity ? 'all' : half} tokens: ${shares.join(', ')}; to their end ${ended}.`
  );
}

/** How many come to an end, and how many end in a loop. */
function ends(name: string, { float, exact }: Answers, stops: readonly number[]): string {
  const of = (answers: readonly (readonly number[])[], is: (ids: readonly number[]) => boolean) =>
    `${answers.filter(is).length} of ${answers.length}`;
  const both = (is: (ids: readonly number[]) => boolean): string =>
    `${of(float, is)} → ${of(exact, is)}`;
  const mean = (all: Answers['float']): string =>
    (all.reduce((sum, ids) => sum + ids.length, 0) / all.length).toFixed(0);
  return row(
    name,
    `${mean(float)} → ${mean(exact)}`,
    both((ids) => stops.includes(ids.at(-1)!)),
    both(isLoop),
  );
}

/** Text of a cell: nothing in it is markup, or moves what stands beside it. */
const cell = (text: string): string =>
  text
    .trim()
    .replace(/[\\`*_[\]<>~|$&]/g, '\\$&')
    .replace(/(\r?\n)+/g, '<br>')
    .replace(/\t/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');

function chatRows({ turns, float, exact }: Chat): string {
  const asked = turns.map(({ role, content }) => `*${role}:* ${cell(content)}`).join('<br>');
  return row(asked, cell(float), cell(exact));
}

export function languageReport({ name, facts }: AboutModel, m: LanguageMeasures): string {
  const low = languageShortfalls(m.passages);
  const own = m.passages.filter(judged);
  const all = languageFigures(own.map(({ compared }) => compared));
  const kinds = figuresByKind(m.passages).map(([kind, f]) =>
    figuresRow(kind === 'known' ? 'known by heart (no bar)' : kind, f),
  );
  const reached = all.top1 >= TOP1_GOAL ? 'reached' : 'not reached';
  return `# ${name}: exact against float

${low.length ? low.map((what) => `**Warning: ${what}.**`).join('\n') : 'Above every bar.'}

Passages by \`model:texts\`, none of them seen when the package was made; each token after the first is scored. \
Bars: perplexity at most ${LANGUAGE_BARS.ratio} of float's, of each kind at most ${LANGUAGE_BARS.kindRatio}, \
top-1 at least ${LANGUAGE_BARS.top1} (goal ${TOP1_GOAL}: ${reached}). Perplexity float → exact; \
ratio with 1.96 standard errors over passages; top-1: the share of places where both hold the same token for the \
likeliest; KL in nats.

| kind ${HEAD}
${figuresRow('**all but known by heart**', all)}
${kinds.join('\n')}

The same by position, of the passages that are longer than ${POSITIONS[0]} tokens:

| position ${HEAD}
${positions(m.passages).join('\n')}

${agreement(m.greedy)}

| answers, float → exact | tokens, mean | ended by themselves | in a loop at the end |
|---|---|---|---|
${ends('greedy', m.greedy, m.stops)}
${ends('default options', m.usual, m.stops)}

| | |
|---|---|
${facts.map(([what, is]) => row(what, is)).join('\n')}

Answers with the default options, from the logits of each:

| asked | float | exact |
|---|---|---|
${m.chats.map(chatRows).join('\n')}
`;
}
