/**
 * The installed app runs, and a payment link or a shared text is opened with it: the manifest asks the browser to
 * bring the window to the front (`launch_handler`), and the browser hands the address over here, instead of
 * loading it. Without this the link would be dropped.
 */
import { placeOfShare } from './shared-link.ts';

interface LaunchParams {
  readonly targetURL?: string | undefined;
}
/** https://wicg.github.io/web-app-launch/: of Chromium, where the app is installed. */
export interface LaunchQueue {
  setConsumer(consumer: (params: LaunchParams) => void): void;
}

/** The fragment that a launch leads to; undefined where it is none of this app's, or names nothing. */
export function placeOfLaunch(target: string | undefined, page: string): string | undefined {
  if (target === undefined || !URL.canParse(target)) return undefined;
  const [there, here] = [new URL(target), new URL(page)];
  if (there.origin !== here.origin || there.pathname !== here.pathname) return undefined;
  return placeOfShare(there.search) ?? (there.hash || undefined);
}

/** @param loaded address that the page was loaded with: its own launch comes here too, and was followed already */
export function followLaunches(
  queue: LaunchQueue | undefined,
  loaded: string,
  go: (place: string) => void,
): void {
  let isFirst = true;
  queue?.setConsumer(({ targetURL }) => {
    const isOwn = isFirst && targetURL === loaded;
    isFirst = false;
    const place = isOwn ? undefined : placeOfLaunch(targetURL, loaded);
    if (place) go(place);
  });
}
