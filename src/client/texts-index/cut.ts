/**
 * A text cut into passages, by its headings, paragraphs and sentences. Passages lie side by side and are the whole text
 * together; none begins or ends within a character. Pure, but for the counting of tokens, which the model's tokenizer
 * does.
 */
import { isReadable } from './read-text.ts';

/** From one place in the text up to another, in UTF-16 units. */
export interface Passage {
  readonly from: number;
  readonly to: number;
}

/** A sentence, or a part of one that is too long. */
interface Piece extends Passage {
  /** What begins with it. */
  readonly begins: 'section' | 'paragraph' | undefined;
}

/** Tokens of each of some texts, as the model counts them. */
export type Count = (texts: readonly string[]) => Promise<readonly number[]>;

/** Characters of one piece: more than any sentence of people. */
const PIECE_CHARS_MAX = 1_000;
/** Characters of a passage, whose words may be long. */
export const PASSAGE_CHARS_MAX = 4_000;
/** Characters that are segmented at once: what is one line without a blank is cut there. */
const RUN_CHARS_MAX = 20_000;
/** Characters whose tokens are counted at once. */
const COUNT_CHARS = 32_000;
/** A passage this part of the longest takes no further paragraph. */
const ENOUGH = 1 / 3;

/** A heading's marks, at the beginning of a line. */
export const HEADING = /^ {0,3}#{1,6}(?:\s+|$)/;
const FENCE = /^ {0,3}(?:```|~~~)/;
const ITEM = /^\s*(?:[-*+•–|>]|\d{1,3}[.)])\s/;

const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' });
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Sentences of a text, side by side; the ends of lines end none, those of headings and items do. */
export function sentencesOf(text: string): Passage[] {
  return [...runsOf(text)].flatMap((run) => sentencesIn(text, run));
}

/** Sentences of what is read in one go. */
function sentencesIn(text: string, { from, to }: Passage): Passage[] {
  const flat = text.slice(from, to).replaceAll('\n', ' ');
  return Array.from(sentences.segment(flat), ({ index, segment }) => ({
    from: from + index,
    to: from + index + segment.length,
  }));
}

/**
 * Passages of at most `limit` tokens, as far as tokens of sentences add up.
 * @returns none for a text in which nothing can be read
 */
export async function cut(
  text: string,
  limit: number,
  count: Count,
  signal?: AbortSignal,
): Promise<Passage[]> {
  const passages: Passage[] = [];
  let open: { from: number; to: number; tokens: number; isHeading: boolean } | undefined;
  /** Where the next passage begins: blanks before it are its own. */
  let from = 0;
  const close = (): void => {
    if (!open) return;
    passages.push({ from: open.from, to: open.to });
    from = open.to;
    open = undefined;
  };

  for await (const { tokens, piece } of counted(text, limit, count, signal)) {
    if (!tokens) {
      if (open) open.to = piece.to;
      continue;
    }
    const isFull =
      open &&
      (open.tokens + tokens > limit ||
        piece.to - open.from > PASSAGE_CHARS_MAX ||
        // A heading stays with what follows it.
        (!open.isHeading &&
          (piece.begins === 'section' ||
            (piece.begins === 'paragraph' && open.tokens >= limit * ENOUGH))));
    if (isFull) close();
    open ??= { from, to: from, tokens: 0, isHeading: true };
    open.to = piece.to;
    open.tokens += tokens;
    open.isHeading &&= piece.begins === 'section';
  }
  close();
  return passages;
}

/** Pieces with their tokens, 0 where nothing can be read; those of more than `limit` are halved. */
async function* counted(
  text: string,
  limit: number,
  count: Count,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ piece: Piece; tokens: number }> {
  for (const part of parts(piecesOf(text))) {
    let pieces = part;
    for (;;) {
      signal?.throwIfAborted();
      const texts = pieces.map(({ from, to }) => text.slice(from, to));
      const readable = texts.filter(isReadable);
      const counts = (readable.length ? await count(readable) : []).values();
      const tokens = texts.map((each) => (isReadable(each) ? counts.next().value! : 0));
      const isLong = (i: number): boolean => tokens[i]! > limit && canHalve(texts[i]!);
      if (!pieces.some((_, i) => isLong(i))) {
        for (const [i, piece] of pieces.entries()) yield { piece, tokens: tokens[i]! };
        break;
      }
      pieces = pieces.flatMap((piece, i) => (isLong(i) ? halves(text, piece) : [piece]));
    }
  }
}

function* parts(pieces: Iterable<Piece>): Generator<Piece[]> {
  let part: Piece[] = [];
  let chars = 0;
  for (const piece of pieces) {
    if (chars + piece.to - piece.from > COUNT_CHARS && part.length) {
      yield part;
      [part, chars] = [[], 0];
    }
    part.push(piece);
    chars += piece.to - piece.from;
  }
  if (part.length) yield part;
}

/** Side by side from 0 to the end. */
function* piecesOf(text: string): Generator<Piece> {
  for (const run of runsOf(text)) {
    let { begins } = run;
    for (const sentence of sentencesIn(text, run)) {
      yield* fitting(text, { ...sentence, begins });
      begins = undefined;
    }
  }
}

/** Lines that are read in one go: a paragraph, a heading, an item of a list, a line of code. */
function* runsOf(text: string): Generator<Piece> {
  let run: Piece | undefined;
  let wasBlank = true;
  let inCode = false;
  for (const { from, to, line } of linesOf(text)) {
    const isBlank = !line.trim();
    const kind = kindOf(line, inCode);
    if (kind === 'fence') inCode = !inCode;
    const begins = kind === 'heading' ? 'section' : wasBlank ? 'paragraph' : undefined;
    const isNew = kind !== 'line' || wasBlank || run?.begins === 'section';
    const isLong = run && to - run.from > RUN_CHARS_MAX;
    if (run && !isBlank && (isNew || isLong)) {
      yield run;
      run = undefined;
    }
    run = run ? { ...run, to } : { from, to, begins };
    wasBlank = isBlank;
  }
  if (run) yield run;
}

/** What stands alone: all but a line of a paragraph. */
function kindOf(line: string, inCode: boolean): 'fence' | 'code' | 'heading' | 'item' | 'line' {
  if (FENCE.test(line)) return 'fence';
  if (inCode) return 'code';
  if (HEADING.test(line)) return 'heading';
  return ITEM.test(line) ? 'item' : 'line';
}

/** Lines with their ends; one that is too long for one run is cut. */
function* linesOf(text: string): Generator<Passage & { line: string }> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    let to = end < 0 ? text.length : end + 1;
    if (to - from > RUN_CHARS_MAX) to = boundaryNear(text, from + RUN_CHARS_MAX);
    yield { from, to, line: text.slice(from, to) };
    from = to;
  }
}

function* fitting(text: string, piece: Piece): Generator<Piece> {
  if (piece.to - piece.from <= PIECE_CHARS_MAX) yield piece;
  else for (const half of halves(text, piece)) yield* fitting(text, half);
}

const canHalve = (text: string): boolean => text.length > (text.codePointAt(0)! > 0xffff ? 2 : 1);

function halves(text: string, { from, to, begins }: Piece): [Piece, Piece] {
  const at = from + halfOf(text.slice(from, to));
  return [
    { from, to: at, begins },
    { from: at, to, begins: undefined },
  ];
}

/** The place nearest to the middle where a word begins, or else a character. */
function halfOf(text: string): number {
  const middle = text.length >>> 1;
  for (let away = 0; away <= text.length / 4; away++)
    for (const at of [middle - away, middle + away])
      if (at > 0 && at < text.length && /\s/.test(text[at - 1]!) && !/\s/.test(text[at]!))
        return at;
  const at = boundaryNear(text, middle);
  return at > 0 && at < text.length ? at : codePointNear(text, middle);
}

/** Characters around a place in which its boundary is looked for. */
const NEAR = 64;

/** A boundary between two characters as people see them, at the place or before it where there is one near. */
function boundaryNear(text: string, at: number): number {
  const from = codePointNear(text, Math.max(0, at - NEAR));
  const near = text.slice(from, at + NEAR);
  const starts = Array.from(graphemes.segment(near), ({ index }) => from + index);
  const found = starts.filter((start) => start > from && start <= at).at(-1);
  return found ?? codePointNear(text, at);
}

/** Not within a surrogate pair. */
function codePointNear(text: string, at: number): number {
  const code = text.charCodeAt(at);
  const before = text.charCodeAt(at - 1);
  const isWithin = code >= 0xdc00 && code < 0xe000 && before >= 0xd800 && before < 0xdc00;
  return isWithin ? (at > 1 ? at - 1 : at + 1) : at;
}
