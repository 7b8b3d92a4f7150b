import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CONSENSUS } from '../../src/core/consensus.ts';
import { FAMILIES } from './families.ts';
import { HELD_ELSEWHERE } from './held-elsewhere.ts';

/** Codes of the table of rules in docs/protocol.md §10.2, in its order. */
function codesOfTheText(): string[] {
  const text = readFileSync('docs/protocol.md', 'utf8');
  const [, table = ''] = text.split('Rules, in the order in which a block is judged:');
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`([a-z.-]+)`/g)].map(([, code]) => code!),
  );
}

test('the rules of the text are those of the program', () => {
  const codes = CONSENSUS.flatMap((rule) => rule.codes);
  expect(codesOfTheText().sort()).toEqual([...codes].sort());
});

test('each rule of the text is attacked, or says where else it is held', () => {
  const attacked = new Set<string>(FAMILIES.map(({ rule }) => rule));
  const held = new Set(Object.keys(HELD_ELSEWHERE));
  const codes = codesOfTheText();
  expect(codes.filter((code) => !attacked.has(code) && !held.has(code))).toEqual([]);
  expect([...held].filter((code) => attacked.has(code) || !codes.includes(code))).toEqual([]);
});

test('attacks have names of their own, and a run without their rule or a reason', () => {
  const names = FAMILIES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { off, seam, charged, needed } of FAMILIES)
    expect(off.length || seam || charged || needed).toBeTruthy();
});
