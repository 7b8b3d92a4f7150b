/** The file of licences that a build writes beside the page. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { licenceOf, listOf, packageOf } from '../../deploy/shipped-licences.ts';

it('finds the package of a module, and none of our own', () => {
  expect(packageOf('/a/node_modules/svelte/src/index.js?x')).toBe('/a/node_modules/svelte');
  expect(packageOf('\0/a/node_modules/@noble/hashes/blake3.js')).toBe(
    '/a/node_modules/@noble/hashes',
  );
  expect(packageOf('/a/node_modules/b/node_modules/@c/d/e.woff2')).toBe(
    '/a/node_modules/b/node_modules/@c/d',
  );
  expect(packageOf('node_modules/@c/d/e.woff2')).toBe(resolve('node_modules/@c/d'));
  expect(packageOf('/a/src/ui/App.svelte')).toBeUndefined();
});

it('prints what packages bring, the same text once', () => {
  const [svelte, hashes] = ['svelte', '@noble/hashes'].map((name) =>
    licenceOf(resolve('node_modules', name)),
  );
  expect(svelte).toMatchObject({ licence: 'MIT' });
  const list = listOf('Own', [svelte!, hashes!, { ...svelte!, name: 'another 1.0.0' }]);
  expect(list).toContain('another 1.0.0: MIT\nsvelte ');
  expect(list.split(svelte!.text)).toHaveLength(2);
  expect(list).toContain(hashes!.text);
  // Servers send a plain text without its encoding; the mark tells browsers.
  expect(list.startsWith('\uFEFFOwn')).toBe(true);
});

it('stops the build for a package without a licence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pila-licence-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"name":"bare","version":"1.0.0"}');
    expect(() => licenceOf(folder)).toThrow('names no licence');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
