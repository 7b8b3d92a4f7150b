/**
 * A page's client and miner in one worker: a package goes from a server into OPFS once, and from there to its first
 * token.
 */
import {
  openPackageStore,
  type PackageStore,
  type WholePackage,
} from '../../src/client/models/package-store.ts';
import { httpSource } from '../../src/client/models/part-sources.ts';
import type { ServedModel } from '../../src/client/models/served.ts';
import { passFiles } from '../../src/miner/package/parts.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { Miner } from '../../src/miner/engine/miner.ts';
import { encodeOptions, optionsOf } from '../../src/miner/generator/options.ts';
import { readGeneration } from '../../src/miner/generator/generation.ts';
import { createOpfsParts } from '../../src/miner/package/opfs-parts.ts';
import { packageOf } from '../../src/miner/package/package.ts';

/** Tokens of a question. */
const TOKENS = 16;

const openStore = async (served: ServedModel) =>
  openPackageStore({
    models: new Map(),
    served: [served],
    store: await createOpfsParts('pila-bench'),
    sources: () => [httpSource(new URL('/models/', location.href).href)],
    onChange: () => undefined,
  });

let store: PackageStore | undefined;
let whole: WholePackage | undefined;
let model: ModelPackage | undefined;

const api = {
  /** Fetches what is not kept yet. */
  keep: async (served: ServedModel) => (await openStore(served)).fetch(served.id),

  /** What a page does before anybody asks. */
  async open(served: ServedModel): Promise<void> {
    store = await openStore(served);
  },
  /** The package's files, each checked, as the client reads them. */
  async read(served: ServedModel): Promise<void> {
    whole = await store!.load(served.id);
  },
  /** The package, as the miner's worker takes it. */
  async take(): Promise<void> {
    const { manifest, files } = whole!;
    const own = [...files.slice(0, passFiles(manifest).length), files.at(-1)!];
    whole = undefined;
    model = packageOf(manifest, own);
  },
  /** Proof, plans, and the steps of the question. */
  async token(): Promise<void> {
    const miner = new Miner({
      modelNamed: () => model,
      modelOf: () => model,
      createCpu: (one, analysis) => createCpuBackend(one, { analysis }),
      onLoaded: (one) => (model = one),
      createWebgpu: undefined,
      nowMs: () => performance.now(),
      randomNonce: () => 1n,
      onStatus: () => undefined,
      onBlock: () => undefined,
    });
    const { id, manifest, generation } = model!;
    const { defaults } = readGeneration(manifest, generation!);
    const input = Uint32Array.from({ length: TOKENS }, (_, i) => 100 + 7 * i);
    await miner.generate(1, {
      model: id,
      input,
      options: encodeOptions(optionsOf(defaults, {})),
      rank: 'own',
    });
  },
};
export type StartApi = typeof api;

onmessage = async ({ data: [method, served] }: MessageEvent<[keyof StartApi, ServedModel]>) => {
  try {
    await api[method](served);
    postMessage({});
  } catch (e) {
    postMessage({ error: String(e) });
  }
};
