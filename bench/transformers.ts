/**
 * `@huggingface/transformers`, which nothing but the contests uses: it has a lock file of its own and is
 * installed into .cache when a contest first asks for it, so that `npm ci` need not bring it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/webgpu';

const source = join(import.meta.dirname, 'transformers');
const installed = join(import.meta.dirname, '../.cache/bench-transformers');
const LOCK = 'package-lock.json';

/** What the contest calls of it; its own types are not there when this is compiled. */
export interface Transformers {
  readonly env: object;
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: [number, number]) => object;
  readonly AutoModel: {
    from_pretrained(
      name: string,
      options: Readonly<Record<string, unknown>>,
    ): Promise<
      ((feeds: Readonly<Record<string, object>>) => Promise<unknown>) & {
        dispose(): Promise<unknown>;
      }
    >;
  };
  pipeline(
    task: 'feature-extraction',
    name: string,
    options: Readonly<Record<string, unknown>>,
  ): Promise<
    (
      texts: readonly string[],
      options: Readonly<Record<string, unknown>>,
    ) => Promise<{ tolist(): number[][] }>
  >;
}

/** How a model of memory is loaded: one thread, as ours has. */
export const FROM_MEMORY = {
  dtype: 'fp32',
  device: 'auto',
  session_options: { executionProviders: ['wasm'] },
};

function isInstalled(): boolean {
  // npm writes this file last, so an interrupted installation is not taken for a whole one.
  if (!existsSync(join(installed, 'node_modules/.package-lock.json'))) return false;
  const [wanted, found] = [source, installed].map((dir) => readFileSync(join(dir, LOCK), 'utf8'));
  return wanted === found;
}

function install(): void {
  console.log('Installing @huggingface/transformers into .cache (some 20 MB, once)');
  cpSync(source, installed, { recursive: true });
  const { status, error } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--silent'], {
    cwd: installed,
    stdio: 'inherit',
  });
  if (status !== 0)
    throw new Error(
      'bench compares with @huggingface/transformers, which could not be installed: is the npm registry ' +
        `reachable? (npm ci in ${installed})`,
      { cause: error },
    );
}

/**
 * Its web build, on our onnxruntime-web, which it takes from the global object where one is there.
 * @param files of the one model that can be loaded, by name: it fetches nothing
 */
export async function loadTransformers(
  files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
): Promise<Transformers> {
  if (!isInstalled()) install();
  ort.env.wasm.numThreads = 1;
  Object.assign(globalThis, { [Symbol.for('onnxruntime')]: ort });
  const entry = join(installed, 'node_modules/@huggingface/transformers/dist/transformers.web.js');
  const transformers = (await import(pathToFileURL(entry).href)) as Transformers;
  // The library sets an address for the runtime's files, which is removed here.
  delete ort.env.wasm.wasmPaths;
  const match = async (path: string): Promise<Response | undefined> => {
    const file = Object.entries(files).find(([name]) => path.endsWith(`/${name}`));
    return file && new Response(file[1]);
  };
  const { env } = transformers;
  Object.assign(env, { useCustomCache: true, customCache: { match, put: async () => {} } });
  Object.assign(env, { allowRemoteModels: false, localModelPath: '/' });
  return transformers;
}
