/** Asking the models on this device: no chain is needed, and nothing is paid. */
import {
  inputBytesMax,
  inputTokens,
  KIND,
  modelId,
  sequenceBytes,
  unitMacs,
  type Manifest,
} from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { AskApi, ModelInfo } from '../api.ts';
import type { MinerWorker } from '../mining/miner-worker.ts';
import type { GeneratingApi } from './generate-here.ts';
import { modelNamed, type ChainNetwork } from './networks.ts';
import type { Texts } from './texts.ts';

export interface AskDeps {
  readonly network: ChainNetwork;
  readonly texts: Texts;
  readonly worker: Pick<MinerWorker, 'execute' | 'load'>;
  /** Whether a package is whole here. */
  isWhole(id: Uint8Array): Promise<boolean>;
  /** Served models whose packages are whole here. */
  served(): readonly Manifest[];
  readonly generating: GeneratingApi;
}

export const createAskApi = ({
  network,
  texts,
  worker,
  isWhole,
  served,
  generating,
}: AskDeps): AskApi => ({
  ...texts,
  ...generating,
  models: async () => [...admitted(network), ...served()].map(modelInfo),
  async execute(id, input) {
    const manifest = network.models.get(toHex(id));
    if (!manifest) throw new AppError('MODEL_MISSING', 'this model is not admitted here');
    // Before the model is fetched.
    if (!inputTokens(input, manifest))
      throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${manifest.name}`);
    return await worker.execute(id, input);
  },
  async loadModel(id) {
    if (await isWhole(id)) await worker.load(id);
  },
});

/** The admitted models, the default first. */
const admitted = (network: ChainNetwork): Manifest[] =>
  network.names.flatMap((name) => modelNamed(network, name)?.manifest ?? []);

const KINDS = Object.keys(KIND) as (keyof typeof KIND)[];

export const modelInfo = (manifest: Manifest): ModelInfo => ({
  name: manifest.name,
  id: modelId(manifest),
  kind: KINDS.find((kind) => KIND[kind] === manifest.kind)!,
  packing: manifest.packing,
  shapes: manifest.shapes.map(({ sequences, tokens }) => ({ sequences, tokens })),
  tokenizerBytes: manifest.tokenizer?.size ?? 0,
  labels: manifest.labels,
  inputBytesMax: inputBytesMax(manifest),
  sequenceBytes: sequenceBytes(manifest),
  answerSize: manifest.answerSize,
  macs: unitMacs(manifest),
});
