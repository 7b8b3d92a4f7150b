/** Whether the browser promised to keep what is stored, however little room is left. */

/** Undefined where the browser does not say. */
export const isKept = async (): Promise<boolean | undefined> =>
  navigator.storage?.persisted?.().catch(() => undefined);

/** Asks for the promise; some browsers then ask the person. */
export const askToKeep = async (): Promise<boolean | undefined> =>
  (await isKept()) || navigator.storage?.persist?.().catch(() => undefined);
