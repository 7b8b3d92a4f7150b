/**
 * `@huggingface/transformers`, which nothing but the contests uses: it has a lock file of its own and is
 * installed into .cache when a contest first asks for it, so that `npm ci` need not bring it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

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
}

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

/** Its web build: on whatever ONNX Runtime stands at `Symbol.for('onnxruntime')` of the global object. */
export async function loadTransformers(): Promise<Transformers> {
  if (!isInstalled()) install();
  const entry = join(installed, 'node_modules/@huggingface/transformers/dist/transformers.web.js');
  return (await import(pathToFileURL(entry).href)) as Transformers;
}
