/**
 * The licences of what the build ships. A package counts when one of its modules or files is in a bundle: of the page,
 * of a worker, of the service worker. One without a licence stops the build.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

/** `…/node_modules/@scope/name/dist/x.js?worker` → `…/node_modules/@scope/name`; undefined for our own code. */
export function packageOf(module: string): string | undefined {
  // A virtual module's id begins with a zero.
  const path = module.replace('\0', '').split('?')[0]!;
  const found = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  return found && resolve(found);
}

interface Licence {
  readonly name: string;
  readonly licence: string;
  /** The files that say so; empty where a package brings none. */
  readonly text: string;
}

export function licenceOf(folder: string): Licence {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Readonly<Record<'name' | 'version' | 'license', unknown>>;
  if (typeof license !== 'string') throw new Error(`${folder} ships, and names no licence`);
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return {
    name: `${name as string} ${version as string}`,
    licence: license,
    text: texts.join('\n\n'),
  };
}

/** One text is printed once, below all packages that bring the very same. */
export function listOf(own: string, licences: readonly Licence[]): string {
  const byText = Map.groupBy(licences, ({ text }) => text);
  const parts = [...byText].map(([text, of]) => {
    const names = of.map(({ name, licence }) => `${name}: ${licence}`).sort();
    return [...names, '', text].join('\n').trim();
  });
  // With a mark that it is UTF-8: not every server says so of a plain text.
  return '\uFEFF' + [own.trim(), ...parts.sort()].join(`\n\n${'-'.repeat(80)}\n\n`) + '\n';
}

/** `collect` goes into every bundle's plugins; `write` into the page's, which is made last but for the service worker. */
export function shippedLicences(file: string): { collect: Plugin; write: Plugin } {
  const folders = new Set<string>();
  const note = (module: string): void => {
    const folder = packageOf(module);
    if (folder && existsSync(join(folder, 'package.json'))) folders.add(folder);
  };
  const collect: Plugin = {
    name: 'collect-licences',
    apply: 'build',
    generateBundle(_, bundle) {
      for (const part of Object.values(bundle))
        (part.type === 'chunk' ? part.moduleIds : part.originalFileNames).forEach(note);
    },
  };
  const write: Plugin = {
    name: 'write-licences',
    apply: 'build',
    closeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        const own = `Pila\n\n${readFileSync('LICENSE', 'utf8')}`;
        writeFileSync(file, listOf(own, [...folders].map(licenceOf)));
      },
    },
  };
  return { collect, write };
}
