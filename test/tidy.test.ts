// Checks of the code itself: who owns a package, what core may not touch, how wide lines get. Folders, circles
// and directions of imports are in house/.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeFile } from './house/code.ts';
import { MAY_IMPORT } from './house/imports.ts';

/** Package → the folders that may import it. One that is not listed may be imported by none. */
const OWNERS: [RegExp, readonly string[]][] = [
  [/^(libp2p|@libp2p\/.*|@multiformats\/.*)$/, ['net']],
  // libp2p's memory of peers, on disk: a platform part, which the seed process hands to net.
  [/^datastore-level$/, ['node']],
  [/^(idb|classic-level)$/, ['chain']],
  [/^(onnxruntime-web|protobufjs|hash-wasm)(\/.*)?$/, ['miner']],
  [/^(svelte(\/.*)?|marked|uqr|qr\/.*|workbox-window|vite-plugin-pwa)$/, ['ui']],
  [/^workbox-/, ['sw.ts']],
  [/^@scure\/bip39(\/.*)?$/, ['wallet']],
  [/^@scure\/base$|^@noble\//, ['core', 'wallet']],
  [/^@zxcvbn-ts\//, ['wallet']],
  [/^(prom-client|sirv|webgpu|valibot|@valibot\/to-json-schema)$/, ['node']],
  [/^@huggingface\/(jinja|tokenizers)$/, ['client']],
  [/^node:/, ['node']],
  // Virtual modules of the build.
  [/^virtual:/, ['ui']],
];
/** The only uses of a package outside its owner, each with its reason. */
const EXCEPTIONS: Record<string, readonly string[]> = {
  // LevelDB lives in files: whether there is room for them is asked where they are opened.
  'chain/store/level-store.ts': ['node:fs/promises', 'node:path'],
  // The seed's own keys, which no wallet holds.
  'node/seed/sender.ts': ['@noble/curves/secp256k1.js'],
  'node/keys-file.ts': ['@noble/curves/secp256k1.js'],
  'node/serving-file.ts': ['@noble/curves/secp256k1.js'],
};

const IMPURE =
  /\bDate\b|\bMath\.random|\bperformance\b|\bfetch\b|\basync\b|\bawait\b|\bsetTimeout|\bsetInterval|\bcrypto\.|\bPromise\b|\bimport\(|\bglobalThis\b|\bprocess\./;

const LINE_MAX = 100;
/** Prettier breaks code at 100; it leaves comments and texts as they are. */
const TEXT_LINE_MAX = 130;
const src = join(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|svelte)$/.test(file))
  .map((file) => {
    const { text, packages } = codeFile(`src/${file}`, readFileSync(join(src, file), 'utf8'));
    return { file, folder: file.split('/')[0]!, text, packages };
  });

const withoutComments = (text: string): string =>
  text.replace(/\/\*[^]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

test('there is something to check', () => {
  expect(files.length).toBeGreaterThan(50);
  for (const { folder } of files) expect(Object.keys(MAY_IMPORT)).toContain(folder);
});

test('packages are imported by their owners only', () => {
  const wrong = files.flatMap(({ file, folder, packages }) =>
    packages
      .filter((name) => {
        const owners = OWNERS.find(([pattern]) => pattern.test(name))?.[1] ?? [];
        return !owners.includes(folder) && !EXCEPTIONS[file]?.includes(name);
      })
      .map((name) => `${file} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('core is pure and synchronous', () => {
  const wrong = files
    .filter((f) => f.folder === 'core')
    .map((f) => [f.file, IMPURE.exec(withoutComments(f.text))?.[0]])
    .filter(([, found]) => found);
  expect(wrong).toEqual([]);
  for (const bad of ['Date.now()', 'new Date()', 'async function', 'await x', 'Math.random()'])
    expect(bad).toMatch(IMPURE);
});

test('lines', () => {
  const isText = (file: string, line: string, inTemplate: boolean) =>
    inTemplate || file.includes('/wgsl/') || /^\s*(\/\/|\/?\*|<!--)/.test(line);
  // A sentence of the interface is one line, however long.
  const code = files.filter((f) => !f.file.startsWith('ui/i18n/'));
  const wide = code.flatMap(({ file, text }) => {
    let ticks = 0;
    return text.split('\n').flatMap((line, i) => {
      const inTemplate = ticks % 2 === 1;
      ticks += line.split('`').length - 1;
      const max = isText(file, line, inTemplate) ? TEXT_LINE_MAX : LINE_MAX;
      return line.length > max ? [`${file}:${i + 1} has ${line.length} characters`] : [];
    });
  });
  expect(wide).toEqual([]);
});

test('helpers of tests have no hooks at their top: in a process that stays they would be set for one file', () => {
  const helpers = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && !file.includes('node_modules'),
  );
  const hooks = helpers.filter((file) =>
    /^(before|after)(Each|All)\(/m.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
  );
  // Whoever imports it has a process of its own (vitest.config.ts).
  expect(hooks).toEqual(['net/peers.ts']);
});
