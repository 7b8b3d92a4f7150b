/** Pools that take whatever is paid. In place of src/chain/shared/fees.ts. */
export * from '../../../src/chain/shared/fees.ts';

export const feeMin = (): bigint => 0n;
