/** Whether the browser promised to keep what is stored, however little room is left. */

/** Undefined where nobody tells. */
export const isKept = async (): Promise<boolean | undefined> =>
  navigator.storage?.persisted?.().catch(() => undefined);

/** Asks for the promise; some browsers then ask the person. */
export const askToKeep = async (): Promise<boolean | undefined> =>
  (await isKept()) || navigator.storage?.persist?.().catch(() => undefined);
