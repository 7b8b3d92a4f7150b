/** What every component of the app may use, without being handed it by the one around it. */
import { getContext, setContext } from 'svelte';
import { AppError } from '../lib/errors.ts';
import type { Language } from './i18n/languages.ts';
import type { Texts } from './i18n/texts.svelte.ts';
import type { Preferences } from './preferences.svelte.ts';
import type { Session } from './session.svelte.ts';

export interface AppContext {
  readonly session: Session;
  readonly preferences: Preferences;
  readonly texts: Texts;
  /** Texts of a part that comes later, in the language in use: `texts.of`. */
  readonly textsOf: Texts['of'];
}

const KEY = Symbol('app');
export const setApp = (app: AppContext): AppContext => setContext(KEY, app);
export const getApp = (): AppContext => getContext(KEY);

/** Changes the language; says so where its texts cannot be fetched. */
export async function speak(
  { session, texts }: Pick<AppContext, 'session' | 'texts'>,
  language: Language,
): Promise<void> {
  try {
    await texts.speak(language);
  } catch (cause) {
    session.fail(new AppError('SCREEN_MISSING', `texts of ${language}`, { cause }));
  }
}
