/**
 * Markdown of a language model as a tree of what our components draw. The library finds the marks; no HTML is made of
 * it anywhere, so none of a model's can run: what is none of the forms below is shown as the text that it is. Pure.
 */
import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked';

export type Span =
  | { readonly type: 'text' | 'code'; readonly text: string }
  | { readonly type: 'break' }
  | { readonly type: 'strong' | 'em' | 'del'; readonly spans: readonly Span[] }
  /** `host`: where it leads, when its words do not say so themselves. */
  | {
      readonly type: 'link';
      readonly href: string;
      readonly host: string | undefined;
      readonly spans: readonly Span[];
    };

export type Block =
  | { readonly type: 'paragraph' | 'heading'; readonly spans: readonly Span[] }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly type: 'list';
      /** Number of its first item; undefined: without numbers. */
      readonly start: number | undefined;
      readonly items: readonly (readonly Block[])[];
    }
  | {
      readonly type: 'table';
      readonly head: readonly (readonly Span[])[];
      readonly rows: readonly (readonly (readonly Span[])[])[];
    }
  | { readonly type: 'rule' };

/** Characters that are read for marks: a longer text stands as it is. */
export const MARKED_CHARS_MAX = 16_384;
/** Quotes and lists in each other: what lies deeper is text. */
export const DEPTH_MAX = 12;
/** Cells of tables: a row of one cell is filled up to as many as the table's head has. */
export const CELLS_MAX = 10_000;
/** Marks within lines: each is compared with those before it. */
export const MARKS_MAX = 2_000;

/** Nothing of the text is lost but for the marks. */
export function blocksOf(text: string): Block[] {
  const asItIs: Block[] = [{ type: 'paragraph', spans: textSpans(text) }];
  if (text.length > MARKED_CHARS_MAX || depthOf(text) > DEPTH_MAX) return asItIs;
  if (cellsOf(text) > CELLS_MAX || (text.match(/[*_~[]/g)?.length ?? 0) > MARKS_MAX) return asItIs;
  return blocksIn(new Lexer({ gfm: true }).lex(text), 0);
}

/** Bounds how deep the library goes, which calls itself for each mark of a quote or a list at a line's beginning. */
function depthOf(text: string): number {
  let most = 0;
  for (const [marks] of text.matchAll(/^(?:[ \t]*(?:>|[-*+](?=\s)|\d{1,9}[.)](?=\s)))+/gmu))
    most = Math.max(most, marks.replace(/\d+/g, '').replace(/[ \t]/g, '').length);
  return most;
}

/** No fewer than its tables have: as if all lines were rows of the widest one. */
function cellsOf(text: string): number {
  const lines = text.split('\n');
  // The line under a table's head, with marks of quotes and lists before it, has no letters.
  const widths = lines.map((line) => (/^[-\s|:>+*\d.)]*$/.test(line) ? line.split('|').length : 1));
  return widths.reduce((most, width) => Math.max(most, width), 1) * lines.length;
}

const blocksIn = (tokens: readonly Token[] | undefined, depth: number): Block[] =>
  (tokens ?? []).flatMap((token) => {
    const draw = depth > DEPTH_MAX ? undefined : drawerOf(BLOCKS, token);
    // HTML, definitions of links, what is too deep: as they were written.
    return draw?.(token, depth) ?? [{ type: 'paragraph', spans: textSpans(token.raw.trimEnd()) }];
  });

/** How each form is drawn; those that are not here are not. */
type Drawers<T> = {
  readonly [K in MarkedToken['type']]?: (
    token: Extract<MarkedToken, { type: K }>,
    depth: number,
  ) => T[];
};

/** The library's types allow any name. */
const drawerOf = <T>(drawers: Drawers<T>, { type }: Token) =>
  (Object.hasOwn(drawers, type) ? drawers[type as MarkedToken['type']] : undefined) as
    ((token: Token, depth: number) => T[]) | undefined;

const paragraphOf = ({ tokens, raw }: Tokens.Paragraph | Tokens.Text, depth: number): Block[] => [
  { type: 'paragraph', spans: spansIn(tokens, depth, raw) },
];

const BLOCKS: Drawers<Block> = {
  space: () => [],
  hr: () => [{ type: 'rule' }],
  code: ({ text }) => [{ type: 'code', text }],
  heading: ({ tokens }, depth) => [{ type: 'heading', spans: spansIn(tokens, depth) }],
  blockquote: ({ tokens }, depth) => [{ type: 'quote', blocks: blocksIn(tokens, depth + 1) }],
  list: (token, depth) => [listOf(token, depth)],
  table({ header, rows }, depth) {
    const row = (cells: readonly Tokens.TableCell[]) =>
      cells.map(({ tokens }) => spansIn(tokens, depth));
    return [{ type: 'table', head: row(header), rows: rows.map(row) }];
  },
  paragraph: paragraphOf,
  text: paragraphOf,
};

function listOf({ ordered, start, items }: Tokens.List, depth: number): Block {
  return {
    type: 'list',
    start: ordered ? Number(start) || 0 : undefined,
    items: items.map(({ tokens }) => blocksIn(boxWithin(tokens), depth + 1)),
  };
}

/** The box of a task stands before its first words. */
function boxWithin(tokens: readonly Token[]): readonly Token[] {
  const [box, first, ...others] = tokens;
  return box?.type === 'checkbox' && first && 'tokens' in first
    ? [{ ...first, tokens: [box, ...(first.tokens ?? [])] }, ...others]
    : tokens;
}

const spansIn = (tokens: readonly Token[] | undefined, depth: number, raw = ''): readonly Span[] =>
  tokens?.flatMap((token) => {
    const draw = depth > SPANS_DEPTH_MAX ? undefined : drawerOf(SPANS, token);
    return draw?.(token, depth + 1) ?? textSpans(token.raw);
  }) ?? textSpans(raw);

/** Of marks within a line, on top of those of lines. */
const SPANS_DEPTH_MAX = 2 * DEPTH_MAX;

const SPANS: Drawers<Span> = {
  strong: ({ type, tokens }, depth) => [{ type, spans: spansIn(tokens, depth) }],
  em: ({ type, tokens }, depth) => [{ type, spans: spansIn(tokens, depth) }],
  del: ({ type, tokens }, depth) => [{ type, spans: spansIn(tokens, depth) }],
  codespan: ({ text }) => [{ type: 'code', text }],
  checkbox: ({ checked }) => textSpans(checked ? '☑ ' : '☐ '),
  br: () => [{ type: 'break' }],
  escape: ({ text }) => textSpans(text),
  link: ({ href, tokens, raw }, depth) => linkOf(href, spansIn(tokens, depth), raw),
  // Nothing is fetched: its words lead to it.
  image: ({ href, text, raw }) => linkOf(href, textSpans(text || href), raw),
  text: ({ tokens, raw }, depth) => [...spansIn(tokens, depth, raw)],
};

/** Only to the web, and to no address with a name and a password in it; others stand as they were written. */
function linkOf(href: string, spans: readonly Span[], raw: string): Span[] {
  const url = URL.parse(href);
  const isWeb = url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.password;
  if (!isWeb) return textSpans(raw);
  const host = hostSaid(plainOf(spans)) === url.host ? undefined : url.host;
  return [{ type: 'link', href: url.href, host, spans }];
}

/** Of words that are an address and nothing else: one that only holds a host may begin with another's. */
function hostSaid(words: string): string | undefined {
  const url = URL.parse(words) ?? URL.parse(`https://${words}`);
  return url?.username || url?.password ? undefined : url?.host;
}

const plainOf = (spans: readonly Span[]): string =>
  spans
    .map((span) => ('text' in span ? span.text : 'spans' in span ? plainOf(span.spans) : ' '))
    .join('');

const textSpans = (text: string): Span[] => (text ? [{ type: 'text', text }] : []);
