/** Why nothing can be sent now, before anything is filled in. Pure. */
import type { Balance } from '../../../client/api.ts';

export type Hindrance = 'words' | 'nothing' | 'locked' | 'waiting';

/** @param free nV of the balance that no waiting payment uses, where that is known */
export function hindranceOf(
  isBackedUp: boolean,
  balance: Balance | undefined,
  free = balance?.spendable,
): Hindrance | undefined {
  if (!isBackedUp) return 'words';
  if (!balance || free) return undefined;
  if (balance.spendable) return 'waiting';
  return balance.immature ? 'locked' : 'nothing';
}
