/** The chain of these tests. */
export const CHAIN = 77;
