/** How figures of a language model are made and judged, on numbers made up. */
import { expect, test } from 'vitest';
import {
  compareLogits,
  firstDifference,
  isLoop,
  languageFigures,
  noneCompared,
  partOf,
  type Compared,
} from '../../../models/measure/language-figures.ts';
import {
  LANGUAGE_BARS,
  languageReport,
  languageShortfalls,
  type ComparedPassage,
  type LanguageMeasures,
} from '../../../models/measure/language-report.ts';
import type { TextKind } from '../../../models/texts/passages.ts';

test('logits of one place, by hand', () => {
  const into = noneCompared();
  const [two, three] = [Math.log(2), Math.log(3)];
  // Shares 1/6, 2/6, 3/6, and 1/4, 2/4, 1/4 with steps of a thousandth of a nat.
  const float = Float32Array.of(5, 5 + two, 5 + three);
  const exact = Float64Array.of(-7000, -7000 + 1000 * two, -7000);
  compareLogits(into, float, exact, { nat: 1000, next: 0 });
  compareLogits(into, float, exact.with(2, 0), { nat: 1000, next: 2 });
  expect(into.float[0]).toBeCloseTo(Math.log(6), 6);
  expect(into.exact[0]).toBeCloseTo(Math.log(4), 6);
  const divergence = Math.log(4 / 6) / 6 + Math.log(4 / 6) / 3 + Math.log(2) / 2;
  expect(into.divergence[0]).toBeCloseTo(divergence, 6);
  expect(into.float[1]).toBeCloseTo(Math.log(2), 6);
  expect(into.same).toEqual([0, 1]);
});

const compared = (float: number[], exact: number[], same = float.map(() => 1)): Compared => ({
  float,
  exact,
  divergence: float.map(() => 0.01),
  same,
});

test('figures of all tokens together, and how sure they are', () => {
  const one = compared([1, 2, 3], [1.1, 2, 3.2], [1, 0, 1]);
  const two = compared([4], [4.5]);
  const f = languageFigures([one, two]);
  expect([f.texts, f.tokens, f.top1]).toEqual([2, 4, 0.75]);
  expect(f.perplexity[0]).toBeCloseTo(Math.exp(2.5), 9);
  expect(f.ratio).toBeCloseTo(Math.exp(0.2), 9);
  expect(f.ratio).toBeCloseTo(f.perplexity[1] / f.perplexity[0], 9);
  expect(f.divergence).toBeCloseTo(0.01, 12);
  // Texts lie 0.3 below and above the mean of 0.2 a token: √(2·(0.09 + 0.09))/4.
  expect(f.within).toBeCloseTo((Math.exp(0.2) * 1.96 * 0.6) / 4, 9);
  expect(languageFigures([one]).within).toBe(0);
  expect(languageFigures([one, one, one]).within).toBeCloseTo(0, 9);
  expect(partOf(one, 1, 5).exact).toEqual([2, 3.2]);
});

test('where answers differ, and which end in a loop', () => {
  expect(firstDifference([1, 2, 3], [1, 2, 3])).toBeUndefined();
  expect(firstDifference([1, 2, 3], [1, 2])).toBe(2);
  expect(firstDifference([1, 2], [1, 4, 3])).toBe(1);
  const phrase = [5, 6, 7, 8];
  const before = Array.from({ length: 40 }, (_, i) => 100 + i);
  expect(isLoop([...before, ...phrase, ...phrase, ...phrase])).toBe(true);
  expect(isLoop([...before, ...phrase, ...phrase, 5, 6, 7, 9])).toBe(false);
  expect(isLoop([...before, ...phrase, ...phrase])).toBe(false);
  expect(isLoop([...before, ...new Array<number>(12).fill(3)])).toBe(true);
  expect(isLoop([...before, ...new Array<number>(11).fill(3)])).toBe(false);
  expect(isLoop([])).toBe(false);
});

/** A passage that is worse by `ratio`, with top-1 `same`. */
const passage = (kind: TextKind, ratio: number, same = 1, tokens = 100): ComparedPassage => ({
  kind,
  compared: compared(
    new Array<number>(tokens).fill(2),
    new Array<number>(tokens).fill(2 + Math.log(ratio)),
    Array.from({ length: tokens }, (_, i) => Number(i < same * tokens)),
  ),
});
const measures = (passages: readonly ComparedPassage[]): LanguageMeasures => ({
  passages,
  greedy: {
    float: [
      [1, 2],
      [3, 4, 5],
    ],
    exact: [
      [1, 2],
      [3, 9, 5],
    ],
  },
  usual: { float: [[1, 2], [4]], exact: [[1], [4]] },
  stops: [2, 4],
  chats: [
    {
      turns: [{ role: 'user', content: 'a | b' }],
      float: 'one\n\n* two_x_\r\n\t\0\u202e',
      exact: '<b>',
    },
  ],
});

test('at the bars nothing is said; below any of them the report begins with a warning', () => {
  const { ratio, top1, kindRatio } = LANGUAGE_BARS;
  const good = [
    passage('prose', kindRatio - 1e-9, top1),
    passage('lists', 1, top1, 200),
    passage('known', 9, 0),
  ];
  expect(languageShortfalls(good)).toEqual([]);
  const about = { name: 'm', facts: [['id', 'x']] as const };
  expect(languageReport(about, measures(good)).split('\n')[2]).toBe('Above every bar.');
  const cases: readonly (readonly [string, readonly ComparedPassage[]])[] = [
    [`perplexity is 1.0151 of float's`, [passage('prose', ratio + 1e-4)]],
    ['top-1 is 0.9100, below', [passage('prose', 1, top1 - 0.01)]],
    [
      `perplexity of code is 1.0301 of float's`,
      [passage('code', kindRatio + 1e-4), passage('prose', 0.9)],
    ],
    ['perplexity is NaN', [passage('prose', NaN)]],
  ];
  for (const [what, passages] of cases) {
    expect(languageShortfalls(passages)[0], what).toContain(what);
    const report = languageReport(about, measures(passages));
    expect(report.split('\n')[2]).toContain(`**Warning: ${what}`);
  }
});

test('a report has kinds, positions, agreement, and answers whose text is no markup', () => {
  const passages = [passage('prose', 1.01), passage('known', 2), passage('code', 1.02, 1, 1500)];
  const report = languageReport({ name: 'm', facts: [['id', 'x']] }, measures(passages));
  for (const line of [
    '| **all but known by heart** | 2 | 1600 | 7.39 → 7.53 | 1.0194 ± 0.0023 | 1.0000 | 0.0100 |',
    '| prose | 1 | 100 | 7.39 → 7.46 | 1.0100 ± 0.0000 | 1.0000 | 0.0100 |',
    '| known by heart (no bar) | 1 | 100 | 7.39 → 14.78 | 2.0000 ± 0.0000 | 1.0000 | 0.0100 |',
    '| 0–512 | 1 | 512 | 7.39 → 7.54 | 1.0200 ± 0.0000 | 1.0000 | 0.0100 |',
    '| 1024–2048 | 1 | 476 | 7.39 → 7.54 | 1.0200 ± 0.0000 | 1.0000 | 0.0100 |',
    '| greedy | 3 → 3 | 1 of 2 → 1 of 2 | 0 of 2 → 0 of 2 |',
    '| default options | 2 → 1 | 2 of 2 → 1 of 2 | 0 of 2 → 0 of 2 |',
    '| *user:* a \\| b | one<br>\\* two\\_x\\_<br> \ufffd\ufffd | \\<b\\> |',
  ])
    expect(report).toContain(line);
  expect(report).toContain('for a median of 1 tokens: 1 of 2 for 16 tokens');
});
