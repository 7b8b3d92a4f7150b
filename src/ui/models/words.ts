/** This part's words: apart from the first route's. */
import { models as en } from '../i18n/en/models.ts';
import { models as it } from '../i18n/it/models.ts';
import type { Language } from '../preferences.svelte.ts';

export type ModelWords = typeof en;
export const wordsOf = (language: Language): ModelWords => ({ en, it })[language];
