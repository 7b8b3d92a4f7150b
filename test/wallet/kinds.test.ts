import { expect, test } from 'vitest';
import type { Tx } from '../../src/core/formats.ts';
import { isUnattended, WALLET_KINDS } from '../../src/wallet/kinds.ts';

const kinds = Object.keys(WALLET_KINDS) as Tx['type'][];

test('only what a miner needs is signed with nobody there', () => {
  expect(kinds.filter(isUnattended)).toEqual(['claim', 'result']);
});

test('a kind whose row says nothing spends', () => {
  const silent = { summary: () => ({}) };
  const { claim: _, ...others } = WALLET_KINDS;
  const table: typeof WALLET_KINDS = { ...others, claim: silent };
  expect(table.claim.unattended).toBeUndefined();
  expect(isUnattended('transfer')).toBe(false);
});

test('a kind without a row does not compile', () => {
  const { result: _, ...others } = WALLET_KINDS;
  // @ts-expect-error: `result` has no row.
  const table: typeof WALLET_KINDS = others;
  expect(Object.keys(table)).toHaveLength(kinds.length - 1);
});
