/**
 * What waits for the person while they look elsewhere: the badge on the app's icon, and the notifications that they
 * chose. Comes with keys: without them nothing can arrive.
 */
import { toHex } from '../../lib/bytes.ts';
import { formatAddress } from '../../core/address.ts';
import { isolated } from '../../wallet/plain-text.ts';
import type { AppContext } from '../app-context.ts';
import { formatCount, formatVolts, shortAddress } from '../kit/format.ts';
import { linkTo } from '../route.svelte.ts';
import { WatchedList } from '../wallet/watched.svelte.ts';
import { Arrivals } from './arrivals.ts';
import { Badge } from './badge.ts';
import { createBrowserBoard, type Sentence } from './browser-board.ts';
import { Notifier, type Heap, type News, type Told } from './notifier.ts';
import { holdSeen, isSeen } from './seen.ts';

/** Until the result is called. */
export const attend = (app: AppContext): (() => void) => $effect.root(() => follow(app));

function follow({ session, preferences, texts }: AppContext): void {
  const badge = new Badge();
  const arrivals = new Arrivals();
  const go = (link: string) => (location.hash = link);
  const board = createBrowserBoard(go, linkTo);
  const notifier = new Notifier({
    show: (news, heap) => board.show(news, sentenceOf(news, heap)),
    clear: board.clear,
  });

  function sentenceOf(news: News, { count, amount, from }: Heap): Sentence {
    const { locale } = preferences;
    const t = texts.of('news');
    const shown = { count: formatCount(count, locale), amount: formatVolts(amount, locale) };
    return t.told[news](count, { ...shown, from });
  }

  const isWanted = (news: News) => session.hidden && preferences.notified.includes(news);
  async function tell(news: News, told?: Told): Promise<void> {
    if (!isWanted(news)) return;
    await texts.load();
    if (!(await isSeen()) && isWanted(news)) notifier.tell(news, told);
  }
  const tellQuietly = (news: News, told?: Told) => void tell(news, told).catch(() => undefined);

  function nameOf(address: Uint8Array): string {
    const { prefix } = session;
    const { entries } = new WatchedList(prefix, preferences.storage, 'contacts');
    const name = entries.find(({ key }) => key === toHex(address))?.name;
    return isolated(name || shortAddress(formatAddress(address, prefix)));
  }

  $effect(() => {
    if (session.hidden) return undefined;
    notifier.seen();
    return holdSeen();
  });

  $effect(() => {
    const { history } = session;
    const account = session.vault?.address;
    if (!history || !account) return;
    for (const { amount, from } of arrivals.note(account, history.entries))
      tellQuietly('payment', { amount, from: nameOf(from) });
  });

  /** Of the highest of our blocks. */
  let height = -1;
  $effect(() => {
    const own = [...session.log.own.keys()];
    const fresh = own.filter((one) => one > height);
    height = Math.max(height, ...own);
    fresh.forEach(() => tellQuietly('block'));
  });

  /** Answers that the person was given since the page was opened, bought or computed here. */
  let bought = $state(0);
  $effect(() => session.on(({ type }) => type === 'paid' && void bought++));
  const answers = $derived(bought + session.ownAnswers);
  let told = 0;
  $effect(() => {
    if (answers > told) tellQuietly('answer');
    told = answers;
  });

  $effect(() => {
    const { balance, vault, owned, hidden } = session;
    const account = balance && toHex(balance.address);
    const known = account && vault && { account, amount: owned, backedUp: vault.backedUp };
    badge.show(known || undefined, { seen: !hidden, answers });
  });

  $effect(() => {
    const follow = ({ data }: MessageEvent<unknown>) => {
      const { link } = Object(data) as { link?: unknown };
      if (typeof link === 'string' && link.startsWith('#/')) go(link);
    };
    navigator.serviceWorker?.addEventListener('message', follow);
    return () => navigator.serviceWorker?.removeEventListener('message', follow);
  });
}
