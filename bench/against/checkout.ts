/** The files of an older commit, to be measured beside this one's. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = join(import.meta.dirname, '../..');

/** A folder with that commit's files, and this one's packages. */
export function checkout(commit: string): string {
  const folder = join(here, '.cache/against', commit);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    const tar = execFileSync('git', ['archive', commit], { cwd: here, maxBuffer: 2 ** 30 });
    execFileSync('tar', ['-x', '-C', folder], { input: tar });
    symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
  }
  return folder;
}

/** A module of the commit in that folder. */
export const load = async <Module>(root: string, path: string): Promise<Module> =>
  (await import(pathToFileURL(join(root, path)).href)) as Module;
