import type { PaymentRequest } from '../../wallet/uri.ts';
import type { Replaceable } from './history/activity.ts';

/** What can lie over the wallet. */
export type Sheet =
  | 'receive'
  | 'send'
  | 'backup'
  | 'protect'
  | 'unlock'
  | 'create'
  | 'restore'
  | 'erase'
  | 'account'
  | 'rename'
  | 'watch'
  | 'passkey'
  | 'export'
  | 'import';

/** What the sheet for sending begins with. */
export type SendStart =
  | { readonly kind: 'pay'; readonly request: PaymentRequest }
  | { readonly kind: 'speedUp' | 'cancel'; readonly old: Replaceable };
