/** Markdown of a language model: what is drawn of it, and that nothing of it runs, loads or leads astray. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  blocksOf,
  DEPTH_MAX,
  MARKED_CHARS_MAX,
  MARKS_MAX,
  type Block,
  type Span,
} from '../../../src/ui/ask/generate/markdown/markdown.ts';

const text = (said: string): Span => ({ type: 'text', text: said });
const paragraph = (...spans: Span[]): Block => ({ type: 'paragraph', spans });

/** All that is drawn of it, in order. */
const wordsOf = (drawn: readonly (Block | Span)[]): string =>
  drawn
    .map((one) => {
      if ('text' in one) return one.text;
      if ('spans' in one) return wordsOf(one.spans);
      if ('blocks' in one) return wordsOf(one.blocks);
      if ('items' in one) return one.items.map(wordsOf).join('');
      if ('rows' in one) return [...one.head, ...one.rows.flat()].map(wordsOf).join('');
      return '';
    })
    .join('');

const linksOf = (drawn: readonly (Block | Span)[]): Extract<Span, { type: 'link' }>[] =>
  drawn.flatMap((one) => {
    if (one.type === 'link') return [one, ...linksOf(one.spans)];
    if ('spans' in one) return linksOf(one.spans);
    if ('blocks' in one) return linksOf(one.blocks);
    if ('items' in one) return one.items.flatMap(linksOf);
    if ('rows' in one) return [...one.head, ...one.rows.flat()].flatMap(linksOf);
    return [];
  });

it('marks are drawn: headings, lists, tasks, quotes, code, tables', () => {
  expect(blocksOf('## Volta\n\nTwo **metals**, *one* `a < b`\n\n---')).toEqual([
    { type: 'heading', spans: [text('Volta')] },
    paragraph(
      text('Two '),
      { type: 'strong', spans: [text('metals')] },
      text(', '),
      { type: 'em', spans: [text('one')] },
      text(' '),
      { type: 'code', text: 'a < b' },
    ),
    { type: 'rule' },
  ]);
  expect(blocksOf('3. zinc\n4. copper\n   - [x] wet\n')).toEqual([
    {
      type: 'list',
      start: 3,
      items: [
        [paragraph(text('zinc'))],
        [
          paragraph(text('copper')),
          { type: 'list', start: undefined, items: [[paragraph(text('☑ '), text('wet'))]] },
        ],
      ],
    },
  ]);
  expect(blocksOf('> said\n\n```js\n<b>\n```\n\n|a|b|\n|-|-|\n|1|2|')).toEqual([
    { type: 'quote', blocks: [paragraph(text('said'))] },
    { type: 'code', text: '<b>' },
    {
      type: 'table',
      head: [[text('a')], [text('b')]],
      rows: [[[text('1')], [text('2')]]],
    },
  ]);
});

it('HTML, pictures and addresses of other kinds are text or a link, never more', () => {
  const html = '<script>alert(1)</script>\n\nA <img src=x onerror=alert(1)> <b>b</b>';
  expect(wordsOf(blocksOf(html))).toBe(html.replaceAll('\n', ''));
  for (const href of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'mailto:a@b.org',
    'pila:rpila1',
    '//evil.org/x',
    '/local',
    '#/wallet',
    'https://user:word@evil.org/',
  ])
    expect(blocksOf(`[a](${href})`), href).toEqual([paragraph(text(`[a](${href})`))]);
  const [picture] = linksOf(blocksOf('![a cell](http://i.org/a.png)'));
  expect(picture).toMatchObject({ href: 'http://i.org/a.png', host: 'i.org' });
});

it('a link says where it leads, unless its words do', () => {
  const hosts = (said: string) => linksOf(blocksOf(said)).map(({ host }) => host);
  expect(hosts('[here](https://evil.org/a) and https://ex.org/b')).toEqual(['evil.org', undefined]);
  expect(hosts('[bank.org](https://evil.org)')).toEqual(['evil.org']);
  expect(hosts('[evil.org](https://evil.org/x)')).toEqual([undefined]);
  for (const words of [
    'evil.org: it',
    'bank.org/?to=evil.org',
    'https://bank.org#evil.org',
    'evil.org.bank.org',
    'bank.org@evil.org',
    'https://bank.org\\\\@evil.org',
    'see evil.org',
  ])
    expect(hosts(`[${words}](https://evil.org)`).at(-1), words).toBe('evil.org');
});

it('what is longer or deeper than is read for marks stands as it is', () => {
  const long = `**${'a'.repeat(MARKED_CHARS_MAX)}**`;
  expect(blocksOf(long)).toEqual([paragraph(text(long))]);
  for (const mark of ['> ', '- ', '1. ', '> - ', '* 1) ']) {
    const deep = mark.repeat(MARKED_CHARS_MAX / mark.length - 1) + 'a';
    expect(() => blocksOf(deep), mark).not.toThrow();
    expect(blocksOf(deep), mark).toEqual([paragraph(text(deep))]);
  }
  const nested = Array.from({ length: 90 }, (_, i) => `${' '.repeat(2 * i)}- a`).join('\n');
  const depthOf = (blocks: readonly Block[]): number =>
    Math.max(
      0,
      ...blocks.map((one) => {
        if ('blocks' in one) return 1 + depthOf(one.blocks);
        return 'items' in one ? 1 + Math.max(...one.items.map(depthOf)) : 0;
      }),
    );
  expect(depthOf(blocksOf(nested))).toBeLessThanOrEqual(DEPTH_MAX + 1);
});

it('what fills a page with cells, or takes long to read, stands as it is', () => {
  const table = (columns: number, rows: number): string =>
    `|${'a|'.repeat(columns)}\n|${'-|'.repeat(columns)}\n${'b\n'.repeat(rows)}`;
  expect(blocksOf(table(9, 400))).toMatchObject([{ type: 'table' }]);
  for (const lines of ['', '> ', '- ', '1. > ']) {
    const wide = table(600, 2000)
      .split('\n')
      .map((line, i) => (i && lines !== '> ' ? ' '.repeat(lines.length) : lines) + line)
      .join('\n')
      .slice(0, MARKED_CHARS_MAX);
    expect(blocksOf(wide), lines).toEqual([paragraph(text(wide))]);
  }
  for (const mark of ['_a', '*a ', '~~a ', '[', '![']) {
    const many = mark.repeat(MARKS_MAX + 1);
    expect(blocksOf(many), mark).toEqual([paragraph(text(many))]);
  }
});

it('no letter or digit is lost, whatever the marks are', () => {
  const marks = [
    '**',
    '_',
    '`',
    '\n',
    '\n\n',
    '> ',
    '- ',
    '1. ',
    '# ',
    '|',
    '<',
    '>',
    '[',
    '](',
    ')',
  ];
  const piece = fc.oneof(fc.constantFrom(...marks), fc.stringMatching(/^[a-z]{1,4} ?$/));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const said = pieces.join('');
      // A link's address is not among the words, and numbers of a list are drawn by the browser.
      fc.pre(!said.includes(']('));
      const letters = (of: string) => of.replace(/[^a-z]/g, '');
      expect(letters(wordsOf(blocksOf(said)))).toBe(letters(said));
    }),
  );
});
