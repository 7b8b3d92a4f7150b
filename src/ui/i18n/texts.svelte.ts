/**
 * Texts of the parts whose code is not in the first route: fetched when the first of them is shown, in
 * the language in use alone. A part or a language without its texts does not compile.
 */
import { untrack } from 'svelte';
import type { Language } from './languages.ts';

/** Texts by part. English says what there is. */
export type LaterTexts = typeof import('./en/later.ts');
export type Part = keyof LaterTexts;

export const LOADERS: Readonly<Record<Language, () => Promise<LaterTexts>>> = {
  en: () => import('./en/later.ts'),
  it: () => import('./it/later.ts'),
};

interface Speaker {
  readonly language: Language;
  speak(language: Language): void;
}

export class Texts {
  /** The person's choice of language. */
  readonly #speaker: Speaker;
  #known = $state.raw<Partial<Record<Language, LaterTexts>>>({});

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** Texts of a part in the language in use, once `load` has resolved. */
  of = <P extends Part>(part: P): LaterTexts[P] => {
    const texts = this.#known[this.#speaker.language];
    if (!texts) throw new Error(`the texts of ${part} are not loaded`);
    return texts[part];
  };

  /** Fetches what the language in use needs, also when it changes meanwhile. */
  load(): Promise<void> {
    return untrack(async () => {
      while (!this.#known[this.#speaker.language]) await this.#fetch(this.#speaker.language);
    });
  }

  /** A component that shows them, once both are there. */
  async with<C>(component: Promise<C>): Promise<C> {
    const [loaded] = await Promise.all([component, this.load()]);
    return loaded;
  }

  /** Changes the language, once its texts are there if those of the one before are. */
  async speak(language: Language): Promise<void> {
    if (this.#known[this.#speaker.language]) await this.#fetch(language);
    this.#speaker.speak(language);
  }

  async #fetch(language: Language): Promise<void> {
    const texts = this.#known[language] ?? (await LOADERS[language]());
    this.#known = { ...this.#known, [language]: texts };
  }
}
