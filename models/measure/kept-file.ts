/** Results of a measurement on disk, so that each is computed once. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A name for what follows from these texts, in their order. */
export function nameOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Bytes of a file; where there is none it is made first, whole or not at all. */
export async function keptFile(
  path: string,
  make: () => Promise<Uint8Array | string>,
): Promise<Buffer> {
  if (!existsSync(path)) {
    const made = await make();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.part`, made);
    renameSync(`${path}.part`, path);
  }
  return readFileSync(path);
}
