/**
 * Keeps the screen lit as long as the page is seen: browsers take the lock away from a hidden page, and
 * may refuse it on a low battery.
 * @returns stops it
 */
export function keepAwake(
  page: Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'> = document,
  wakeLock: Pick<WakeLock, 'request'> | undefined = navigator.wakeLock,
): () => void {
  let lock: WakeLockSentinel | undefined;
  let isOver = false;
  const free = (held: WakeLockSentinel | undefined) => void held?.release().catch(() => undefined);
  const request = async (): Promise<void> => {
    if (page.hidden || isOver) return;
    const got = await wakeLock?.request('screen').catch(() => undefined);
    if (isOver || (lock && !lock.released)) free(got);
    else lock = got;
  };
  // A refusal is no news: the screen dims as it would without the wish for it.
  const ask = (): void => void request();
  page.addEventListener('visibilitychange', ask);
  ask();
  return () => {
    isOver = true;
    page.removeEventListener('visibilitychange', ask);
    free(lock);
  };
}
