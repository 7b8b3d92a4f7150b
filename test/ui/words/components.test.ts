/** Components say nothing of their own: each text on a screen is from the languages' tables. */
import { globSync, readFileSync } from 'node:fs';
import { parse } from 'svelte/compiler';
import { expect, it } from 'vitest';

/** The same in every language: the program's name, the coin, bytes, chemical signs, the volt; a code of an error. */
const NAMES = /^(Pila|VLT|B|Cu|Zn|V|[A-Z]+(_[A-Z]+)+)$/;
/** What an element or a component shows or reads out. */
const SAID =
  /^(aria-(label|description|placeholder|roledescription|valuetext)|title|alt|placeholder|label|describe|note|unit|text)$/;

type Node = Readonly<Record<string, unknown>>;
const isNode = (x: unknown): x is Node => typeof x === 'object' && x !== null && 'type' in x;
const nodesIn = (node: Node): Node[] =>
  Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);

/** Literals of which an expression may come to. */
function literalsOf(expression: unknown): string[] {
  if (!isNode(expression)) return [];
  const { type } = expression;
  if (type === 'Literal') return [String(expression['value'])];
  if (type === 'TemplateLiteral') {
    const quasis = expression['quasis'] as { value: { raw: string } }[];
    return [
      ...quasis.map(({ value }) => value.raw),
      ...(expression['expressions'] as unknown[]).flatMap(literalsOf),
    ];
  }
  if (type === 'ConditionalExpression')
    return ['consequent', 'alternate'].flatMap((side) => literalsOf(expression[side]));
  if (
    type === 'LogicalExpression' ||
    (type === 'BinaryExpression' && expression['operator'] === '+')
  )
    return ['left', 'right'].flatMap((side) => literalsOf(expression[side]));
  return [];
}

/** Words that a template says by itself, other than names. */
function wordsOf(node: Node): string[] {
  if (node['type'] === 'Text') return [String(node['data'])];
  if (node['type'] === 'ExpressionTag' || node['type'] === 'HtmlTag')
    return literalsOf(node['expression']);
  // A command to type.
  if (node['name'] === 'code') return [];
  if (node['type'] === 'Attribute' && !SAID.test(String(node['name']))) return [];
  // Scripts hold expressions, of which only those that are shown count.
  return nodesIn(node).flatMap((child) => wordsOf(child));
}

const foundIn = (source: string): string[] =>
  wordsOf(parse(source, { modern: true }).fragment as unknown as Node)
    .flatMap((text) => text.trim().split(/(?:(?!_)[\s\p{P}])+/u))
    .filter((word) => /\p{L}/u.test(word) && !NAMES.test(word));

it('finds words wherever a component can show or read them out', () => {
  expect(foundIn('<p>Send <b>{t.x}</b></p>')).toEqual(['Send']);
  expect(foundIn('<button title="Close it" class="big">{t.x}</button>')).toEqual(['Close', 'it']);
  expect(foundIn("{#if a}{b ? 'yes' : t.no}{:else}{`about ${c}`}{/if}")).toEqual(['yes', 'about']);
  expect(foundIn("<Figure unit={a ? 'blocks' : 'VLT'} kind=\"bars\" />")).toEqual(['blocks']);
  expect(foundIn("{#each list as x}{x.kind === 'bars' ? t.a : t.b} · Pila{/each}")).toEqual([]);
  expect(foundIn("<script>const a = 'word';</script><style>p { color: red }</style>")).toEqual([]);
});

it('no component has a text that is not in the tables', () => {
  const files = globSync('src/ui/**/*.svelte');
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) => {
    const words = foundIn(readFileSync(file, 'utf8'));
    return words.length ? [`${file}: ${words.join(' ')}`] : [];
  });
  expect(found).toEqual([]);
});
