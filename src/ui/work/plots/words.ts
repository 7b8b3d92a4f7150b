/** The texts of the plots, which come with them. */
import { plots as en } from '../../i18n/en/plots.ts';
import { plots as it } from '../../i18n/it/plots.ts';
import type { Language } from '../../preferences.svelte.ts';

export type PlotWords = typeof en;
export const plotWords = (language: Language): PlotWords => ({ en, it })[language];
