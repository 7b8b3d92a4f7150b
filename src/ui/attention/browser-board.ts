/** The browser's notifications: through the service worker where there is one, as Chromium on Android wants it. */
import type { Place } from '../route.svelte.ts';
import type { News } from './notifier.ts';

/** Screens that a click leads to. */
export const PLACE_OF = {
  payment: 'wallet',
  answer: 'ask',
  block: 'pila',
} as const satisfies Record<News, Place>;

/** One of each kind: a later one takes the place of the one before. */
const tagOf = (news: News): string => `news-${news}`;

export type Permission = NotificationPermission | 'missing';

export const permission = (): Permission =>
  typeof Notification === 'undefined' ? 'missing' : Notification.permission;

/** To be called at a click: the browser asks the person, unless they have answered before. */
export async function askToNotify(): Promise<boolean> {
  if (permission() === 'missing') return false;
  return (await Notification.requestPermission().catch(() => 'denied')) === 'granted';
}

const registered = async (): Promise<ServiceWorkerRegistration | undefined> => {
  const found = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
  return found?.active ? found : undefined;
};

export interface Sentence {
  readonly title: string;
  readonly body: string;
}

/** @param go a click brings the page to the front, at this link; a service worker asks for the same (src/sw.ts) */
export function createBrowserBoard(go: (link: string) => void, linkTo: (place: Place) => string) {
  const shown = new Map<News, Notification>();

  async function show(news: News, { title, body }: Sentence): Promise<void> {
    const link = linkTo(PLACE_OF[news]);
    const options = { body, tag: tagOf(news), icon: 'icon-192.png', data: { link } };
    const registration = await registered();
    if (registration) return registration.showNotification(title, options);
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      go(link);
      notification.close();
    };
    shown.set(news, notification);
  }

  async function clear(news: News): Promise<void> {
    shown.get(news)?.close();
    shown.delete(news);
    const all = await (await registered())?.getNotifications({ tag: tagOf(news) });
    all?.forEach((notification) => notification.close());
  }

  // Refused meanwhile, or no way to show them: nothing is lost with a notification.
  return {
    show: (news: News, sentence: Sentence) => void show(news, sentence).catch(() => undefined),
    clear: (news: News) => void clear(news).catch(() => undefined),
  };
}
