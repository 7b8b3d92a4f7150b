/**
 * The languages. A new one is a line in this union; the compiler then asks for its texts in the
 * tables over it: of the first route here, of the parts that come later in texts.svelte.ts.
 */
import { en, type Text } from './en/app.ts';
import { it } from './it/app.ts';

export type Language = 'en' | 'it';

/** Texts of the first route. */
export const LANGUAGES: Readonly<Record<Language, Text>> = { en, it };
export const LANGUAGE_NAMES = Object.keys(LANGUAGES) as Language[];

export const isLanguage = (name: string): name is Language => Object.hasOwn(LANGUAGES, name);
