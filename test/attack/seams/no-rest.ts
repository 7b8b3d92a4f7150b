/** A full node that changes between deep branches at once. In place of src/chain/full/follow.ts. */
export * from '../../../src/chain/full/follow.ts';

export const DEEP_CHANGE_MS = 0;
