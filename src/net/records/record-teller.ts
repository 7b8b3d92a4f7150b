/** Tells the own record as often as the policy says. */
import { ANNOUNCE_MS, type RecordPolicy } from './record-policy.ts';

/** ms between two looks at whether the record is due. */
const LOOK_MS = ANNOUNCE_MS / 4;

/**
 * @param tell returns false when there is nothing to tell yet, or nobody to tell it to
 * @returns a function that tells the record as soon as it may be told: something changed
 */
export function startTelling(
  policy: RecordPolicy,
  tell: () => boolean,
  signal: AbortSignal,
): () => void {
  const tellNow = (): void => {
    if (!signal.aborted && tell()) policy.told(Date.now(), Math.random());
  };
  // Changes (another relay, a new subscriber) that come before the timer fires share one record.
  let soon: ReturnType<typeof setTimeout> | undefined;
  const tellSoon = (): void => {
    const waitMs = Math.max(1000 * Math.random(), policy.waitMs(Date.now()));
    soon ??= setTimeout(() => {
      soon = undefined;
      tellNow();
    }, waitMs);
  };
  const timer = setInterval(() => {
    if (policy.isDue(Date.now())) tellNow();
  }, LOOK_MS);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    clearTimeout(soon);
  });
  return tellSoon;
}
