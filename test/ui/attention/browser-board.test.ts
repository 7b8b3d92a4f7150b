/** Notifications as browsers have them: with a service worker, without one, without any. */
import { afterEach, expect, it, vi } from 'vitest';
import {
  askToNotify,
  createBrowserBoard,
  permission,
} from '../../../src/ui/attention/browser-board.ts';
import { linkTo } from '../../../src/ui/route.svelte.ts';

afterEach(() => void vi.unstubAllGlobals());

interface Shown {
  title: string;
  options: NotificationOptions;
  isClosed: boolean;
  onclick?: () => void;
}

/** @param worker whether a service worker is active: then a page may make none itself, as on Android */
function install(worker: boolean, answer: NotificationPermission = 'granted') {
  const all: Shown[] = [];
  const open = (title: string, options: NotificationOptions) => {
    const shown = Object.assign(Object.create({}), { title, options, isClosed: false });
    shown.close = () => (shown.isClosed = true);
    // The tag's place is taken.
    all
      .filter(({ options: { tag } }) => tag === options.tag)
      .forEach((one) => (one.isClosed = true));
    all.push(shown);
    return shown;
  };
  class Notification {
    static permission = answer;
    static requestPermission = async () => answer;
    constructor(title: string, options: NotificationOptions) {
      if (worker) throw new TypeError('Illegal constructor');
      return open(title, options);
    }
  }
  const registration = {
    active: {},
    showNotification: async (title: string, options: NotificationOptions) =>
      void open(title, options),
    getNotifications: async ({ tag }: { tag: string }) =>
      all.filter((one) => one.options.tag === tag && !one.isClosed),
  };
  const serviceWorker = { getRegistration: async () => (worker ? registration : undefined) };
  vi.stubGlobal('Notification', Notification);
  vi.stubGlobal('navigator', { serviceWorker });
  vi.stubGlobal('window', { focus: () => void links.push('focus') });
  const links: string[] = [];
  const board = createBrowserBoard((link) => links.push(link), linkTo);
  return { all, open: () => all.filter(({ isClosed }) => !isClosed), board, links };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));
const say = (title: string) => ({ title, body: 'b' });

it.each([true, false])('one of a kind, gone once it is cleared: worker %s', async (worker) => {
  const { board, open } = install(worker);
  board.show('payment', say('one'));
  await settled();
  board.show('payment', say('two'));
  board.show('block', say('three'));
  await settled();
  expect(open().map(({ title }) => title)).toEqual(['two', 'three']);
  board.clear('payment');
  await settled();
  expect(open().map(({ title }) => title)).toEqual(['three']);
});

it('a click leads to the screen that it is about', async () => {
  const { board, all, links } = install(false);
  board.show('payment', say('one'));
  board.show('answer', say('two'));
  await settled();
  all.forEach(({ onclick }) => onclick?.());
  expect(links).toEqual(['focus', '#/wallet', 'focus', '#/ask']);
  // The service worker is told the same.
  const other = install(true);
  other.board.show('block', say('three'));
  await settled();
  expect(other.all[0]!.options.data).toEqual({ link: '#/' });
});

it('where there are none, or the person says no, nothing is asked twice and nothing fails', async () => {
  vi.stubGlobal('navigator', {});
  expect([permission(), await askToNotify()]).toEqual(['missing', false]);
  createBrowserBoard(() => {}, linkTo).show('block', say('one'));
  createBrowserBoard(() => {}, linkTo).clear('block');
  await settled();
  install(true, 'denied');
  expect([permission(), await askToNotify()]).toEqual(['denied', false]);
});
