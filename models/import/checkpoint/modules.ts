/**
 * What sentence-transformers writes beside an encoder: which modules a text goes through (modules.json), and how each
 * is set. Three generations of its files are read. What would change an answer and is not understood is refused.
 */
import { AppError } from '../../../src/lib/errors.ts';
import { shown, type Json } from './json.ts';

export type Pooling = 'mean' | 'cls';

export interface Modules {
  /** Where config.json, the tokenizer and the weights lie: '' or a folder with its slash. */
  readonly base: string;
  /** The configuration of the pooling; `optional` where nothing names it. */
  readonly pooling: { readonly name: string; readonly optional: boolean };
}

const refuse = (message: string): AppError => new AppError('MODEL_REFUSED', message);

/** Classes of the package itself: another package's are code that is not here. BERT: the oldest name of Transformer. */
const CLASS = /^sentence_transformers\.(?:\w+\.)*(Transformer|BERT|Pooling|Normalize)$/;
/** A path of a folder that stays in the model's folder. */
const INSIDE = /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.-]+(\/[\w.-]+)*$/;

interface Module {
  readonly kind: string;
  readonly path: string;
}

function moduleOf(module: Json): Module {
  const { type, path } = module;
  const kind = typeof type === 'string' ? CLASS.exec(type)?.[1] : undefined;
  if (!kind) throw refuse(`modules.json: type ${shown(type)} is not known`);
  // A folder of the encoder may be the model's own.
  const folder = typeof path === 'string' ? path.replace(/\/$/, '') : undefined;
  const isOwn = folder === '' && kind !== 'Pooling';
  if (kind !== 'Normalize' && !isOwn && !INSIDE.test(folder ?? '/'))
    throw refuse(`modules.json: path ${shown(path)} of ${kind} is no folder of it`);
  return { kind: kind === 'BERT' ? 'Transformer' : kind, path: folder ?? '' };
}

/** @param list of modules.json; empty where there is none @throws AppError MODEL_REFUSED */
export function modulesOf(list: readonly Json[]): Modules {
  const modules = list.map(moduleOf);
  const kinds = modules.map(({ kind }) => kind).join(', ');
  const pathOf = (wanted: string) => modules.find(({ kind }) => kind === wanted)?.path;
  const folder = pathOf('Transformer');
  const base = folder ? `${folder}/` : '';
  const usual = { name: '1_Pooling/config.json', optional: true };
  if (!modules.length) return { base, pooling: usual };
  if (!/^(Transformer, )?Pooling(, Normalize)*$/.test(kinds))
    throw refuse(`modules.json: ${kinds}; only an encoder, one pooling and a norm fit`);
  return { base, pooling: { name: `${pathOf('Pooling')!}/config.json`, optional: false } };
}

/** Fields of the pooling's config.json that choose a mode, by mode. */
function modesOf(pooling: Json): Map<string, string> {
  const modes = new Map<string, string>();
  const { pooling_mode: named } = pooling;
  for (const mode of [named ?? []].flat())
    modes.set(typeof mode === 'string' ? mode : '', `pooling_mode ${shown(mode)}`);
  for (const [field, value] of Object.entries(pooling)) {
    if (!field.startsWith('pooling_mode_')) continue;
    if (typeof value !== 'boolean')
      throw refuse(`the pooling's config.json: ${field} is ${shown(value)}`);
    if (value) modes.set(field.replace('pooling_mode_', '').replace(/_tokens?$/, ''), field);
  }
  const isTold = named !== undefined || 'pooling_mode_mean_tokens' in pooling || modes.size > 0;
  if (!isTold) modes.set('mean', 'pooling_mode_mean_tokens');
  return modes;
}

/** @param pooling of its config.json; without one the mean, as sentence-transformers has it */
export function poolingOf(pooling: Json = {}, hidden?: number): Pooling {
  const modes = modesOf(pooling);
  const [mode] = modes.keys();
  if (modes.size !== 1 || (mode !== 'mean' && mode !== 'cls'))
    throw refuse(
      `the pooling's config.json: [${[...modes.values()]}] is neither the mean nor the first token`,
    );
  if (pooling.include_prompt === false)
    throw refuse("the pooling's config.json: include_prompt is false; only the whole text fits");
  for (const field of ['word_embedding_dimension', 'embedding_dimension']) {
    const size = pooling[field];
    if (hidden !== undefined && size !== undefined && size !== hidden)
      throw refuse(`the pooling's config.json: ${field} is ${shown(size)}, hidden_size ${hidden}`);
  }
  return mode;
}

/** Refuses what sentence_bert_config.json and config_sentence_transformers.json ask for beside a plain encoder. */
export function demandPlain(transformer: Json, sentence: Json): void {
  const demand = (file: string, field: string, value: unknown, wanted: string): void => {
    if (value !== undefined && value !== null && value !== wanted)
      throw refuse(`${file}: ${field} is ${shown(value)}; only "${wanted}" fits`);
  };
  const modalities = Object(transformer.modality_config) as Json;
  const text = Object(modalities.text) as Json;
  const file = 'sentence_bert_config.json';
  demand(file, 'transformer_task', transformer.transformer_task, 'feature-extraction');
  demand(file, 'module_output_name', transformer.module_output_name, 'token_embeddings');
  demand(file, 'method_output_name', text.method_output_name, 'last_hidden_state');
  const { model_type: type } = sentence;
  demand('config_sentence_transformers.json', 'model_type', type, 'SentenceTransformer');
}

/** What is written before every text unless one says otherwise; '' for nothing. */
export function promptOf(sentence: Json): string {
  const { default_prompt_name: name, prompts } = sentence;
  const prompt = typeof name === 'string' ? (Object(prompts) as Json)[name] : '';
  return typeof prompt === 'string' ? prompt : '';
}
