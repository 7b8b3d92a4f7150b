/**
 * `npm run -s package:build [-- DIR]`: the package for developers (docs/package.md) in a folder, by default
 * `.cache/package`, ready for `npm pack`. Each entry with its workers is a flat folder of modules, so that a worker is
 * found beside whoever starts it; what is native, and ONNX Runtime, are its only dependencies.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
export const PACKAGE_FOLDER = join(ROOT, '.cache/package');

/** Entries by the names of their files: a worker has that of its source. */
const ENTRIES = {
  page: {
    page: 'src/package/page.ts',
    'client.worker': 'src/client/client.worker.ts',
    'miner.worker': 'src/miner/engine/miner.worker.ts',
    'tokens.worker': 'src/client/models/tokens.worker.ts',
  },
  node: {
    node: 'src/node/pila.ts',
    'miner-worker': 'src/node/contributor/miner-worker.ts',
    'tokens-worker': 'src/node/tokens-worker.ts',
  },
} as const;

/** Packages with files of their own that a bundle can't hold; Node does without the optional ones. */
const NEEDED = ['classic-level', 'onnxruntime-web'];
const OPTIONAL = ['node-datachannel', 'webgpu'];

interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly license: string;
}
const versionOf = (folder: string): string =>
  (JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest).version;

/** A worker's address, wherever its source is: beside the module that starts it. */
const flatWorkers: Plugin = {
  name: 'flat-workers',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replace(
        /new URL\('[./\w-]*?([\w.-]+[.-]worker)\.ts', import\.meta\.url\)/g,
        "new URL('./$1.js', import.meta.url)",
      ),
    }));
  },
};

/** An entry of the package with its workers, in a folder of its name. */
export async function bundle(to: string, kind: keyof typeof ENTRIES): Promise<void> {
  const forNode = kind === 'node';
  await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES[kind],
    outdir: join(to, kind),
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2024',
    platform: forNode ? 'node' : 'browser',
    // In Node nobody downloads it, and traces are read.
    minify: !forNode,
    plugins: [flatWorkers],
    external: [...NEEDED, ...OPTIONAL].flatMap((name) => [name, `${name}/*`]),
    // Bundled packages of the older kind call it.
    ...(forNode && {
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
    }),
    logLevel: 'error',
  });
}

/** Declarations of the entries, and of what they name. */
function declare(to: string): void {
  const made = join(to, 'made');
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const args = ['-p', join(import.meta.dirname, 'tsconfig.json'), '--outDir', made];
  const { status, stdout } = spawnSync(tsc, args, { encoding: 'utf8' });
  if (status) throw new Error(`tsc: ${stdout}`);
  const seen = new Set<string>();
  const copy = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(made, file), 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import\() ?['"](\.[^'"]+)\.ts['"]/g))
      copy(join(dirname(file), `${path}.d.ts`));
    const target = join(to, 'types', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text.replace(/((?:from|import\() ?['"]\.[^'"]+)\.ts(['"])/g, '$1.js$2'));
  };
  for (const entry of ['package/page.d.ts', 'node/pila.d.ts']) copy(entry);
  rmSync(made, { recursive: true });
}

/** @returns the folder */
export async function buildPackage(to = PACKAGE_FOLDER): Promise<string> {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  await Promise.all([bundle(to, 'page'), bundle(to, 'node')]);
  declare(to);
  for (const file of ['vite.js', 'vite.d.ts', 'README.md'])
    cpSync(join(import.meta.dirname, file), join(to, file));
  cpSync(join(ROOT, 'LICENSE'), join(to, 'LICENSE'));

  const { version, description, license } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Manifest;
  const versions = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, versionOf(`node_modules/${name}`)]));
  const page = { types: './types/package/page.d.ts', default: './page/page.js' };
  const node = { types: './types/node/pila.d.ts', default: './node/node.js' };
  const manifest = {
    name: 'pila',
    version,
    description,
    license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=24' },
    exports: {
      '.': { browser: page, node, default: page },
      './node': node,
      './vite': { types: './vite.d.ts', default: './vite.js' },
    },
    dependencies: versions(NEEDED),
    // Nobody gets them unasked: a page has no use for them.
    peerDependencies: versions(OPTIONAL),
    peerDependenciesMeta: Object.fromEntries(OPTIONAL.map((name) => [name, { optional: true }])),
  };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return to;
}

if (import.meta.main) console.log(await buildPackage(process.argv[2]));
