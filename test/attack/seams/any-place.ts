/** Winners may lie wherever they like. In place of src/core/light-safety.ts. */
export * from '../../../src/core/light-safety.ts';

export const looksForged = (): boolean => false;
