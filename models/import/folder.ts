/** A Hugging Face folder on this machine: which files an import reads, and their contents. */
import { TOKENIZER_BYTES_MAX, TOKENIZER_FILE } from '../../src/miner/package/package.ts';
import { AppError } from '../../src/lib/errors.ts';
import { bertConfig, bertFrom, paddingOf, type Bert, type BertConfig } from './bert.ts';
import { missing, openFile, readAll, readJson, type OpenFile } from './checkpoint/files.ts';
import { objectOf, parseJsonFile, type Json } from './checkpoint/json.ts';
import { demandPlain, modulesOf, promptOf } from './checkpoint/modules.ts';
import { exchangeRows, tokenizerOf } from './checkpoint/tokenizer.ts';
import { parseOnnxWeights } from './onnx-weights.ts';
import { openSafetensors, openShards, shardsOf, type Tensors } from './safetensors.ts';

export interface Source {
  readonly bert: Bert;
  /** tokenizer.json, with token 0 for padding. */
  readonly tokenizer: Uint8Array;
}

export interface ReadFolder extends Source {
  /** What whoever imports should know: sentences. */
  readonly notes: readonly string[];
}

export const MODULES = 'modules.json';
const CONFIG = 'config.json';
const SETTINGS = {
  tokenizer: 'tokenizer_config.json',
  transformer: 'sentence_bert_config.json',
} as const;
const SENTENCE = 'config_sentence_transformers.json';

/** A file that an import reads; those with `optional` may be missing. */
export interface Wanted {
  readonly name: string;
  readonly optional: boolean;
}

/** What modules.json lists; nothing where there is none. @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export function readModules(folder: string): Json[] {
  const modules = readJson(folder, MODULES);
  if (modules === undefined) return [];
  if (!Array.isArray(modules)) throw new AppError('MODEL_CORRUPT', `${MODULES} is not a list`);
  return modules.map((one: unknown) => objectOf(one, `${MODULES}: a module`));
}

/** Files beside modules.json and the weights. @throws AppError MODEL_REFUSED */
export function filesOf(modules: readonly Json[]): Wanted[] {
  const { base, pooling } = modulesOf(modules);
  const optional = [...Object.values(SETTINGS).map((name) => base + name), SENTENCE];
  return [
    ...[CONFIG, TOKENIZER_FILE].map((name) => ({ name: base + name, optional: false })),
    ...optional.map((name) => ({ name, optional: true })),
    pooling,
  ];
}

const INDEX = 'model.safetensors.index.json';
/** Where the weights may lie; the first that is there is read. An index names more files, beside it. */
export const WEIGHTS = ['model.safetensors', INDEX, 'onnx/model.onnx', 'model.onnx'] as const;
/** Weights that are not read, for who has only them. */
const OTHERS = [
  'pytorch_model.bin',
  'tf_model.h5',
  'flax_model.msgpack',
  'adapter_model.safetensors',
];

/** Files that weights of `name` have beside them. @throws AppError MODEL_CORRUPT */
export function filesBeside(folder: string, name: string): string[] {
  if (!name.endsWith(INDEX)) return [];
  const base = name.slice(0, -INDEX.length);
  return [...new Set(shardsOf(readJson(folder, name), name).values())].map((file) => base + file);
}

const FLOAT_BYTES = 4;
/** What a graph may have beside the weights that are read: heads, and its own nodes. */
const GRAPH_BYTES = 64 * 2 ** 20;

/** Bytes of the numbers that are read of an encoder, in float32. */
function bytesOf({ hidden, ffn, layers, vocabulary, positions, types }: BertConfig): number {
  const layer = 4 * hidden * (hidden + 1) + ffn * (hidden + 1) + hidden * (ffn + 1) + 4 * hidden;
  return FLOAT_BYTES * (hidden * (vocabulary + positions + types + 2) + layers * layer);
}

/** What `use` makes of the weights. Files are closed after it. */
function withWeights<T>(
  folder: string,
  base: string,
  config: BertConfig,
  use: (t: Tensors) => T,
): T {
  const opened: OpenFile[] = [];
  const open = (name: string): OpenFile | undefined => {
    const file = openFile(folder, name);
    if (file) opened.push(file);
    return file;
  };
  const tensorsOf = (name: string): Tensors | undefined => {
    const file = open(name);
    if (!file) return undefined;
    if (name.endsWith('.safetensors')) return openSafetensors(file, name);
    if (name.endsWith('.onnx')) {
      const most = 2 * bytesOf(config) + GRAPH_BYTES;
      if (file.size > most)
        throw new AppError(
          'MODEL_REFUSED',
          `${name} has ${file.size} bytes; an encoder of this config.json has at most ${most}`,
        );
      return parseOnnxWeights(file.read(0, file.size), name);
    }
    return openShards(readJson(folder, name), name, (shard) => {
      const found = open(base + shard);
      if (!found) throw missing(base + shard);
      return found;
    });
  };
  try {
    for (const name of WEIGHTS) {
      const tensors = tensorsOf(base + name);
      if (tensors) return use(tensors);
    }
    const other = OTHERS.find((name) => open(base + name));
    throw new AppError(
      'MODEL_MISSING',
      `there is none of ${WEIGHTS.join(', ')}${other ? `, and ${other} is not read` : ''}`,
    );
  } finally {
    for (const file of opened) file.close();
  }
}

/** @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED, each with the file and the field */
export async function readFolder(folder: string): Promise<ReadFolder> {
  const modules = readModules(folder);
  const { base, pooling } = modulesOf(modules);
  const json = (name: string): Json | undefined => {
    const value = readJson(folder, name);
    return value === undefined ? undefined : objectOf(value, name);
  };
  const config = json(base + CONFIG);
  if (!config) throw missing(base + CONFIG);
  const pooled = json(pooling.name);
  if (!pooled && !pooling.optional) throw missing(pooling.name);
  const accepted = bertConfig(config, pooled, modules);
  const settings = {
    tokenizer: json(base + SETTINGS.tokenizer) ?? {},
    transformer: json(base + SETTINGS.transformer) ?? {},
  };
  const sentence = json(SENTENCE) ?? {};
  demandPlain(settings.transformer, sentence);

  const file = readAll(folder, base + TOKENIZER_FILE, TOKENIZER_BYTES_MAX);
  if (!file) throw missing(base + TOKENIZER_FILE);
  const parsed = objectOf(parseJsonFile(file, TOKENIZER_FILE), TOKENIZER_FILE);
  const { vocabulary } = accepted;
  const padded = await tokenizerOf(file, parsed, settings, {
    vocabulary,
    told: paddingOf(config),
  });
  const bert = withWeights(folder, base, accepted, (tensors) => bertFrom(accepted, tensors));
  exchangeRows(bert.words, bert.hidden, 0, padded.padding);

  const prompt = promptOf(sentence);
  const notes = [
    pooled ? '' : `nothing says how rows become one vector (${pooling.name}): their mean`,
    padded.padding ? `tokens 0 and ${padded.padding}, the padding, have changed places` : '',
    prompt ? `its makers write ${JSON.stringify(prompt)} before a text: whoever asks must` : '',
  ].filter(Boolean);
  return { bert, tokenizer: padded.file, notes };
}
