/** The package as npm packs it, unpacked below this project: `npm run -s package:try` installs it by npm. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import {
  bundlePage,
  compile,
  ENTRY_BYTES_MAX,
  entryBytes,
  install,
  nodeModulesAsked,
  OFFLINE_FOLDER,
  pack,
} from './installed.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let program: string;
let page: string;

beforeAll(async () => {
  const packed = await pack(OFFLINE_FOLDER);
  program = install(packed, 'program', { offline: true });
  page = install(packed, 'page', { offline: true });
});

it('has the version of the project, and needs nothing but what is native and ONNX Runtime', () => {
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
  const manifest = read(join(program, 'node_modules/pila/package.json'));
  expect(manifest.version).toBe(read('package.json').version);
  expect(Object.keys(manifest.dependencies)).toEqual(['classic-level', 'onnxruntime-web']);
  const { dependencies } = read('test/package/program/package.json');
  expect(manifest.dependencies).toEqual(dependencies);
});

it('asks for nothing of Node in a page, and its entry is small', () => {
  expect(readdirSync(join(page, 'node_modules/pila/page')).length).toBeGreaterThan(10);
  expect(nodeModulesAsked(page)).toEqual([]);
  expect(entryBytes(page)).toBeLessThanOrEqual(ENTRY_BYTES_MAX);
});

it('has types that an empty program, and a page, compile by in the strictest way', () => {
  expect(compile(program)).toBe('');
  expect(compile(page)).toBe('');
});

it('is bundled with its workers by the Vite of a page', () => {
  bundlePage(page, join(process.cwd(), 'node_modules/vite'));
  const files = readdirSync(join(page, 'dist/assets')).join(' ');
  for (const worker of ['client', 'miner', 'tokens']) expect(files).toContain(`${worker}.worker-`);
  expect(files).toMatch(/ort-wasm\S+\.wasm/);
});
