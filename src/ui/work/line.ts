/** Whether this device's line is paid by what goes over it, as far as the browser says. */
import type { FetchConsent } from '../../client/api.ts';

interface Connection extends EventTarget {
  readonly saveData?: boolean;
  readonly type?: string;
}

/** Not in every browser. */
const connection = (): Connection | undefined =>
  (navigator as { connection?: Connection }).connection;

export function isMetered(): boolean {
  const line = connection();
  return line?.saveData === true || line?.type === 'cellular';
}

/** Whether models that a miner lacks are fetched: without a word of the person's, only where the line costs nothing. */
export const consentOf = (chosen: 'fetch' | 'decline' | undefined): FetchConsent =>
  chosen ?? (isMetered() ? 'ask' : 'fetch');

/** Calls the listener whenever the line has changed, until the result is called. */
export function onLine(listener: () => void): () => void {
  const line = connection();
  line?.addEventListener?.('change', listener);
  return () => line?.removeEventListener?.('change', listener);
}
