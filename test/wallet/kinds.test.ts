import { expect, test } from 'vitest';
import type { Tx } from '../../src/core/formats.ts';
import { WALLET_KINDS } from '../../src/wallet/kinds.ts';

const kinds = Object.keys(WALLET_KINDS) as Tx['type'][];

test('a kind without a row does not compile', () => {
  const { close: _, ...others } = WALLET_KINDS;
  // @ts-expect-error: `close` has no row.
  const table: typeof WALLET_KINDS = others;
  expect(Object.keys(table)).toHaveLength(kinds.length - 1);
});
