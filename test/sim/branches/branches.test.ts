/** What is claimed of time and branches, with one seed each; `npm run sim:branches` does them all. */
import { expect, test } from 'vitest';
import { ROWS, runRow } from './rows.ts';

test.each(ROWS.filter(({ isQuick }) => isQuick))('$name', { timeout: 120_000 }, (row) => {
  for (const { wrong } of runRow(row, 1)) expect(wrong).toBeUndefined();
});
