/** A small disk of its own, which can be filled to the last page. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** MB: a chain of some hundred blocks, and LevelDB's logs and tables twice while it compacts. */
const DISK_MB = 48;
const PAGE_BYTES = 4096;

export interface Disk {
  /** For the seed's data. */
  readonly data: string;
  /** Takes all room but so many pages. */
  fill(pagesLeft: number): void;
  free(): void;
  unmount(): void;
}

/** undefined where it cannot be mounted, as in a container without that right. */
export function mountDisk(folder: string): Disk | undefined {
  const options = ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder];
  if (spawnSync('mount', options).status !== 0) return undefined;
  const [large, small] = [join(folder, 'large'), join(folder, 'small')];
  const free = (): void => [large, small].forEach((file) => rmSync(file, { force: true }));
  return {
    data: join(folder, 'data'),
    fill(pagesLeft) {
      // The room that is to be left is kept by a file that goes when the disk is full.
      writePages(small, pagesLeft);
      writePages(large, Infinity);
      rmSync(small);
    },
    free,
    unmount() {
      free();
      spawnSync('umount', [folder]);
    },
  };
}

/** As many as there is room for. */
function writePages(file: string, count: number): void {
  const page = new Uint8Array(PAGE_BYTES).fill(1);
  const handle = openSync(file, 'w');
  try {
    for (let i = 0; i < count; i++) writeSync(handle, page);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ENOSPC') throw e;
  } finally {
    closeSync(handle);
  }
}
