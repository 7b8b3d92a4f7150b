/** Whether any tab of the app is looked at: each that is holds one lock, together with the others. */

const SEEN = 'pila-seen';

/** Until the result is called, or the page ends. */
export function holdSeen(locks: LockManager | undefined = navigator.locks): () => void {
  const over = Promise.withResolvers<void>();
  locks?.request(SEEN, { mode: 'shared' }, () => over.promise).catch(() => undefined);
  return over.resolve;
}

/** To be asked by a page that holds it no more. */
export async function isSeen(locks: LockManager | undefined = navigator.locks): Promise<boolean> {
  const { held } = (await locks?.query()) ?? {};
  return held?.some(({ name }) => name === SEEN) === true;
}
