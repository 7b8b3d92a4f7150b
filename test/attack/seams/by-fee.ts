/** Pools that rank by the whole fee, whatever room it takes. In place of src/chain/shared/fees.ts. */
import type { Rate } from '../../../src/chain/shared/fees.ts';

export * from '../../../src/chain/shared/fees.ts';

export const compareRates = (a: Rate, b: Rate): number =>
  a.fee < b.fee ? -1 : a.fee > b.fee ? 1 : 0;
