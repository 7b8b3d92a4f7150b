import { expect, test } from 'vitest';
import type { Case } from './reporter.ts';
import { judge } from './verdict.ts';

const passed: Case = { name: 'opens', state: 'passed', error: '', isAssertion: false };
const skipped: Case = { ...passed, state: 'skipped' };
const failed: Case = { ...passed, state: 'failed', error: 'Error: x' };
const asserted: Case = { ...failed, isAssertion: true };
const verdict = (...cases: Case[]) => judge({ cases, output: 'said' }, 'opens').is;

test('a mutant is killed by an assertion of the very test that is named', () => {
  expect(verdict(asserted)).toBe('killed');
  expect(verdict({ ...asserted, name: 'opens too' }, passed)).toBe('survived');
});

test('a test that failed otherwise, or did not run, says nothing', () => {
  for (const cases of [[], [skipped], [failed], [{ ...asserted, name: 'opens too' }]])
    expect(verdict(...cases)).toBe('invalid');
});

test('of a test with cases one is enough', () => {
  const cases = ['opens 1', 'opens 2'].map((name) => ({ ...passed, name }));
  const of = (...all: Case[]) => judge({ cases: all, output: '' }, 'opens %i').is;
  expect(of(...cases)).toBe('survived');
  expect(of(cases[0]!, { ...asserted, name: 'opens 2' })).toBe('killed');
});
