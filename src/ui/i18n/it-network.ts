/** The Network screen and the explorer. */
import type { Text } from './en.ts';

export const network: Text['network'] = {
  title: 'Rete',
};
