/** Whatever a peer tells stands in its block. In place of src/client/wallet/history-proof.ts. */
export * from '../../../src/client/wallet/history-proof.ts';

export const isThere = (): boolean => true;
