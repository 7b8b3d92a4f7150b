import { wallet as en } from './en/wallet.ts';
import { wallet as it } from './it/wallet.ts';

export const walletWords = { en, it };
