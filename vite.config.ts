/**
 * The web app's build. The policy goes into the page at build time only, because the development server injects
 * styles; the seed sends it as a header too. The keys' worker needs its policy of every server, so these send it.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Connect, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { shippedLicences } from './deploy/shipped-licences.ts';
import { PAGE_POLICY, policies, VAULT_POLICY } from './src/node/http/policies.ts';
import { manifest, SCREENSHOTS } from './src/ui/manifest.ts';

/** Sets the policy of a path on what Vite's own servers send. */
const send =
  (policyOf: (path: string) => string | undefined) =>
  ({
    middlewares,
  }: {
    middlewares: { use(handle: Connect.NextHandleFunction): unknown };
  }): void => {
    middlewares.use(({ url = '/' }, response, next) => {
      const policy = policyOf(url.split('?')[0]!);
      if (policy) response.setHeader('content-security-policy', policy);
      next();
    });
  };

/** Of `npm run dev` and `vite preview`. */
const workersPolicy: Plugin = {
  name: 'workers-policy',
  configureServer: send((path) => (path.endsWith('/vault.worker.ts') ? VAULT_POLICY : undefined)),
  configurePreviewServer: send(policies()),
};

const contentSecurityPolicy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: PAGE_POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

/**
 * When the source was last changed, in seconds since 1970: the same in every build of one commit. A service worker
 * does not give way to one of an older source. 0 outside of a repository, unless SOURCE_DATE_EPOCH says it.
 */
function builtFromS(): number {
  const { SOURCE_DATE_EPOCH: said } = process.env;
  if (said !== undefined && /^\d{1,10}$/.test(said)) return Number(said);
  const log = spawnSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' });
  return log.status === 0 ? Number(log.stdout) : 0;
}

/** Level 5 takes a second for the 27 MB runtime and comes within 5 % of level 9. */
const BROTLI = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 },
};

/** Puts a `.br` beside what browsers download; the seed serves it where it is accepted. */
const precompress: Plugin = {
  name: 'precompress',
  apply: 'build',
  closeBundle: {
    order: 'post',
    sequential: true,
    handler() {
      for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
        if (!/\.(js|css|html|svg|txt|wasm|webmanifest)$/.test(file)) continue;
        const path = join('dist', file);
        writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), BROTLI));
      }
    },
  },
};

/** Width and height stand at the beginning of a PNG, in its first chunk. */
const screenshots = SCREENSHOTS.map(({ file, ...about }) => {
  const png = readFileSync(join('docs/screens', file));
  const sizes = `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`;
  return { png, entry: { src: `screens/${file}`, sizes, type: 'image/png', ...about } };
});

const emitScreenshots: Plugin = {
  name: 'screenshots',
  generateBundle() {
    for (const { png, entry } of screenshots)
      this.emitFile({ type: 'asset', fileName: entry.src, source: png });
  },
};

const licences = shippedLicences('dist/licences.txt');

export default defineConfig({
  base: './',
  define: { BUILT_FROM_S: String(builtFromS()) },
  plugins: [
    svelte(),
    contentSecurityPolicy,
    workersPolicy,
    emitScreenshots,
    licences.collect,
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts',
      registerType: 'prompt',
      injectRegister: false,
      manifest: { ...manifest, screenshots: screenshots.map(({ entry }) => entry) },
      injectManifest: {
        // The shell and its workers, the miner's among them: a model that is here answers offline. The runtime, the
        // models, the transport of browsers that need it on the page and the lists for passphrases are cached after
        // their first use.
        globPatterns: ['**/*.{js,css,html,svg,woff2}', 'icon-192.png'],
        globIgnores: [
          '**/*.wasm',
          '**/ort*',
          // The miner's own way to ONNX Runtime, where the executor does not cover a model.
          '**/segments-*',
          '**/runtime-*',
          '**/page-transport*',
          '**/strength*',
          'models/**',
          '**/*.map',
        ],
        maximumFileSizeToCacheInBytes: 1_500_000,
        buildPlugins: { vite: [licences.collect] },
      },
    }),
    licences.write,
    precompress,
  ],
  worker: { format: 'es', plugins: () => [licences.collect] },
  build: {
    target: 'esnext',
    outDir: 'dist',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What later screens share with the first route is one file, not six, each with a name in every list of imports.
          groups: [
            {
              name: 'shared',
              test: /src\/(lib\/(bytes|errors|error-codes)|core\/params|ui\/(kit\/format|app-context))\.ts$/,
            },
          ],
        },
      },
    },
  },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
});
