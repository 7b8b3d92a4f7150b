/** The texts of the Network screen, which come with it. */
import { network as en } from '../i18n/en/network.ts';
import { network as it } from '../i18n/it/network.ts';
import type { Language } from '../preferences.svelte.ts';

export type Network = typeof en;
export const networkWords = (language: Language): Network => ({ en, it })[language];
