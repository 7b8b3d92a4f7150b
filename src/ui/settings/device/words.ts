/** This part's words: apart from the first route's. */
import { device as en } from '../../i18n/en/device.ts';
import { device as it } from '../../i18n/it/device.ts';
import type { Language } from '../../preferences.svelte.ts';

export type DeviceWords = typeof en;
export const wordsOf = (language: Language): DeviceWords => ({ en, it })[language];
