/** Who may import whom: folders downwards only, and no file in a circle. */
import type { CodeFile } from './code.ts';

/** Folder of src → the folders it may import. Siblings in the middle row never import each other. */
const MIDDLE = ['chain', 'net', 'miner', 'wallet'];
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ['lib'],
  ...Object.fromEntries(MIDDLE.map((folder) => [folder, ['core', 'lib']])),
  client: [...MIDDLE, 'core', 'lib'],
  // What programs and pages of others get: Node's entry is in node.
  package: ['client', ...MIDDLE, 'core', 'lib'],
  ui: ['client', ...MIDDLE, 'core', 'lib'],
  node: ['package', 'client', ...MIDDLE, 'core', 'lib'],
  'sw.ts': ['lib'],
};

/** Folders inside of one room that share by a third folder, never by each other. */
const STRANGERS = [['src/chain/full/', 'src/chain/light/']] as const;

/** `src/core/codec.ts` → `core`; undefined outside of src. */
export function folderOf(path: string): string | undefined {
  const [top, folder] = path.split('/');
  return top === 'src' ? folder : undefined;
}

function isUpward(from: string, to: string): boolean {
  const [folder, target] = [folderOf(from), folderOf(to)];
  // What lies outside of src, such as a packaged model, belongs to no folder.
  if (folder === undefined || target === undefined || folder === target) return false;
  return !MAY_IMPORT[folder]!.includes(target);
}

const areStrangers = (from: string, to: string): boolean =>
  STRANGERS.some(
    ([a, b]) =>
      (from.startsWith(a) && to.startsWith(b)) || (from.startsWith(b) && to.startsWith(a)),
  );

/** Imports and workers of src that lead up or aside, as sentences. */
export const upwardImports = (files: readonly CodeFile[]): string[] =>
  files.flatMap(({ path, imports, starts }) =>
    [...imports, ...starts]
      .filter((target) => isUpward(path, target) || areStrangers(path, target))
      .map((target) => `${path} imports ${target}`),
  );

/** Sets of two or more files that import each other, directly or through others (Tarjan). */
export function importCircles(files: readonly CodeFile[]): string[][] {
  const imports = new Map(files.map((file) => [file.path, file.imports]));
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];

  function visit(path: string): number {
    const found = order.size;
    order.set(path, found);
    lowest.set(path, found);
    open.push(path);

    for (const target of imports.get(path)!) {
      if (!imports.has(target)) continue;
      const reached = order.has(target) ? lowest.get(target)! : visit(target);
      if (open.includes(target)) lowest.set(path, Math.min(lowest.get(path)!, reached));
    }

    if (lowest.get(path) === found) {
      const circle = open.splice(open.indexOf(path));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest.get(path)!;
  }

  for (const path of imports.keys()) if (!order.has(path)) visit(path);
  return circles;
}
