/** Installing the app: offered to who has used it, and for a while not again to who declined. */
import type { Preferences } from '../../preferences.svelte.ts';

/** Units completed before it is offered: by then a person knows what the app does. */
export const OFFERED_AFTER = 3;
/** ms of silence after “not now”. */
export const SILENT_MS = 90 * 86_400_000;

/** Chromium's own question, kept until it is wanted (not in TypeScript's DOM). */
export interface InstallPrompt {
  preventDefault(): void;
  prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

type Page = Pick<Window, 'addEventListener' | 'matchMedia'> & {
  readonly navigator: object;
};

export class Install {
  /** Runs as an app of its own, or was installed a moment ago. */
  installed = $state(false);
  #prompt = $state.raw<InstallPrompt>();
  readonly #byHand: boolean;
  readonly #preferences: Pick<Preferences, 'declinedMs' | 'declineInstall'>;

  constructor(page: Page, preferences: Pick<Preferences, 'declinedMs' | 'declineInstall'>) {
    const { standalone } = page.navigator as { standalone?: boolean };
    this.#preferences = preferences;
    this.installed = standalone === true || page.matchMedia('(display-mode: standalone)').matches;
    // Safari has no question of its own, but a menu for it.
    this.#byHand = standalone === false;
    page.addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.#prompt = event as unknown as InstallPrompt;
    });
    page.addEventListener('appinstalled', () => (this.installed = true));
  }

  /** How it can be installed here; undefined: not, or it is. */
  get way(): 'prompt' | 'menu' | undefined {
    if (this.installed) return undefined;
    return this.#prompt ? 'prompt' : this.#byHand ? 'menu' : undefined;
  }

  /** @param units completed since the page was opened */
  isOffered(units: number, nowMs: number): boolean {
    const { declinedMs } = this.#preferences;
    const isSilent = declinedMs !== undefined && nowMs - declinedMs < SILENT_MS;
    return this.way !== undefined && units >= OFFERED_AFTER && !isSilent;
  }

  /** Asks the browser, which asks the person. A question can be put once. */
  ask = async (): Promise<void> => {
    const prompt = this.#prompt;
    this.#prompt = undefined;
    if ((await prompt?.prompt())?.outcome === 'dismissed') this.decline();
  };

  decline = (): void => this.#preferences.declineInstall(Date.now());
}
