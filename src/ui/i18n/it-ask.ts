/** The Ask screen and receipts. */
import type { Text } from './en.ts';

export const ask: Text['ask'] = {
  title: 'Chiedi',
};
