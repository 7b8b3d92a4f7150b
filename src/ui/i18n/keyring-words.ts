import { keyring as en } from './en/keyring.ts';
import { keyring as it } from './it/keyring.ts';

export const keyringWords = { en, it };
