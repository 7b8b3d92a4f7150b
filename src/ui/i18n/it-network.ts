/** The Network screen and the explorer. */
import type { network as english } from './en-network.ts';

export const network: typeof english = {
  title: 'Rete',
};
