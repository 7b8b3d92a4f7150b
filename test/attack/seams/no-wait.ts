/** Blocks wait for no time: with the rule off too, any date is as good. In place of src/core/header/header.ts. */
export * from '../../../src/core/header/header.ts';

export const msUntilTimely = (): number => 0;
