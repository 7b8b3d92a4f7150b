/** What an import has done so far, so that one that was cut goes on: values of structured clones, by name. */
export interface Keeper {
  /** Undefined where nothing whole is kept under the name. */
  read(name: string): unknown;
  /** Kept whole or not at all. */
  write(name: string, value: unknown): void;
}

/** Keeps nothing. */
export const NO_KEEPER: Keeper = { read: () => undefined, write: () => undefined };

/** What is kept under a name, or what is made and kept. */
export async function kept<T>(
  keeper: Keeper,
  name: string,
  make: () => T | Promise<T>,
): Promise<T> {
  const found = keeper.read(name) as T | undefined;
  if (found !== undefined) return found;
  const made = await make();
  keeper.write(name, made);
  return made;
}
