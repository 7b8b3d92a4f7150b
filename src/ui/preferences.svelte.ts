/** What a person chose for this device: kept in localStorage where that is allowed, followed live. */
import { INTENSITIES, type Intensity } from '../client/mining/work-policy.ts';
import type { Text } from './i18n/en/app.ts';
import { languageTags } from './kit/outside.ts';
import { isLanguage, LANGUAGES, type Language } from './i18n/languages.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

/** The first of the person's languages that we speak, also where the rest of its name is nonsense. */
export const preferredLanguage = (languages: readonly string[]): Language =>
  languages.map((l) => /^[a-z]+/i.exec(l)?.[0].toLowerCase() ?? '').find(isLanguage) ?? 'en';

/** Their own region's numbers when it is a region of that language. Never throws, and never makes `Intl` throw. */
export const localeOf = (language: Language, languages: readonly string[]): string =>
  languageTags(languages).find((l) => l.startsWith(`${language}-`)) ?? language;

export class Preferences {
  language = $state<Language>('en');
  theme = $state<Theme>('auto');
  /** Name of the model to mine with; undefined: the network's default. */
  model = $state<string>();
  /** Whether models that a miner lacks are fetched; undefined: yes, but on a metered line the person is asked. */
  fetches = $state<'fetch' | 'decline'>();
  /** Per cent of the time that work may take. */
  intensity = $state<Intensity>(100);
  /** Keep the screen lit while work goes on: only where a person wants it. */
  awake = $state(false);
  /** Go on with the work after a reload: only where a person wants it. */
  goesOn = $state(false);
  /** Work only while nobody is at this device: only where a person wants it. */
  onlyAway = $state(false);
  /** Kinds of news that a page out of sight tells: only those that a person wants. */
  notified = $state.raw<readonly string[]>([]);
  /** When a person declined to install the app, ms. */
  declinedMs = $state<number>();
  /** Answer questions of others for pay while this device works: only where a person wants it. */
  answers = $state(false);
  /** nV for a thousand tokens of an answer; undefined: what mining would earn in the time. */
  tokenPrice = $state.raw<bigint>();
  /** Drawn more while it works, as the person says. */
  watts = $state.raw<number>();
  readonly #languages: readonly string[];
  /** Undefined where it is forbidden. */
  readonly storage: Storage | undefined;

  constructor(languages: readonly string[] | undefined, storage: Storage | undefined) {
    // Some browsers have none, and some name them badly.
    this.#languages = Array.from(languages ?? [], String);
    this.storage = storage;
    const kept = this.#read('language');
    this.language = kept && isLanguage(kept) ? kept : preferredLanguage(this.#languages);
    this.model = this.#read('model') ?? undefined;
    this.theme = THEMES.find((t) => t === this.#read('theme')) ?? 'auto';
    this.awake = this.#read('awake') === 'yes';
    this.goesOn = this.#read('goes-on') === 'yes';
    this.readAway();
    this.readNotified();
    this.readAnswers();
    this.readFetches();
    const declined = this.#read('install-declined');
    this.declinedMs = declined === null ? undefined : Number(declined);
    this.watts = Number(this.#read('watts')) || undefined;
    this.readIntensity();
  }

  get text(): Text {
    return LANGUAGES[this.language];
  }

  get locale(): string {
    return localeOf(this.language, this.#languages);
  }

  speak(language: Language): void {
    this.language = language;
    this.#write('language', language);
  }

  show(theme: Theme): void {
    this.theme = theme;
    this.#write('theme', theme);
  }

  mineWith(model: string): void {
    this.model = model;
    this.#write('model', model);
  }

  /** Another tab may have changed it. */
  readIntensity(): void {
    const kept = Number(this.#read('intensity'));
    this.intensity = INTENSITIES.find((i) => i === kept) ?? 100;
  }

  work(intensity: Intensity): void {
    this.intensity = intensity;
    this.#write('intensity', String(intensity));
  }

  /** Another tab may have changed it. */
  readFetches(): void {
    const kept = this.#read('fetches');
    this.fetches = kept === 'fetch' || kept === 'decline' ? kept : undefined;
  }

  fetchModels(fetches: 'fetch' | 'decline'): void {
    this.fetches = fetches;
    this.#write('fetches', fetches);
  }

  stayAwake(awake: boolean): void {
    this.awake = awake;
    this.#write('awake', awake ? 'yes' : 'no');
  }

  /** Another tab may have changed it. */
  readAway(): void {
    this.onlyAway = this.#read('only-away') === 'yes';
  }

  workAway(onlyAway: boolean): void {
    this.onlyAway = onlyAway;
    this.#write('only-away', onlyAway ? 'yes' : 'no');
  }

  /** Another tab may have changed it. */
  readNotified(): void {
    this.notified = this.#read('notified')?.split(' ') ?? [];
  }

  notify(kinds: readonly string[]): void {
    this.notified = kinds;
    this.#write('notified', kinds.join(' '));
  }

  goOn(goesOn: boolean): void {
    this.goesOn = goesOn;
    this.#write('goes-on', goesOn ? 'yes' : 'no');
  }

  /** Another tab may have changed it. */
  readAnswers(): void {
    this.answers = this.#read('answers') === 'yes';
    const price = this.#read('token-price') ?? '';
    this.tokenPrice = /^\d{1,20}$/.test(price) ? BigInt(price) : undefined;
  }

  sellTokens(price: bigint | undefined): void {
    this.tokenPrice = price;
    this.#write('token-price', String(price ?? ''));
  }

  answerForPay(answers: boolean): void {
    this.answers = answers;
    this.#write('answers', answers ? 'yes' : 'no');
  }

  draw(watts: number | undefined): void {
    this.watts = watts;
    this.#write('watts', String(watts ?? ''));
  }

  declineInstall(nowMs: number): void {
    this.declinedMs = nowMs;
    this.#write('install-declined', String(nowMs));
  }

  // Storage may be forbidden: then the choice lasts as long as the page.
  #read(key: string): string | null {
    try {
      return this.storage?.getItem(`pila.${key}`) ?? null;
    } catch {
      return null;
    }
  }

  #write(key: string, value: string): void {
    try {
      this.storage?.setItem(`pila.${key}`, value);
    } catch {
      // See #read.
    }
  }
}
