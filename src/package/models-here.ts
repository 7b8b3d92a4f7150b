/** What a program does with the models on its own device: free, and without anybody else. */
import type { ChatMessage, ClientApi, ModelInfo } from '../client/api.ts';
import { tokensMax } from '../core/manifest.ts';
import { readEmbedding, readRow, usedRows, type Embedding, type Reading } from '../core/reading.ts';
import { AppError } from '../lib/errors.ts';
import type { Finish } from '../miner/generator/answer.ts';
import { TOP_P_ONE, UNIT, type Choosing } from '../miner/generator/options.ts';
import { answerOf, type Answer } from './answer.ts';
import {
  requireMessages,
  requireName,
  requireOptions,
  requireText,
  requireTexts,
} from './given.ts';

/** A model's answer to one text: scores of labels. */
export interface Row extends Reading {
  /** int8, one for each label. */
  readonly values: Int8Array;
}

/** How a language model chooses its words; what is not said is as the model's makers propose. */
export interface ChatOptions {
  /** Its name, or its id; absent: the language model that is on this device. */
  readonly model?: string | Uint8Array;
  /** 0 to 4; 0: always the likeliest word. */
  readonly temperature?: number;
  /** The likeliest words whose weights make this share, over 0 to 1. */
  readonly topP?: number;
  /** Words that may be chosen at most; 0: all. */
  readonly topK?: number;
  /** By what a word that was there is made less likely, 1 to 4. */
  readonly penalty?: number;
  /** Tokens of the answer at most. */
  readonly maxTokens?: number;
  /** The same seed, the same answer, on every device. */
  readonly seed?: string;
}

export interface Chatted {
  readonly text: string;
  readonly tokens: number;
  /** `stop`: the model ended it; `length`: it has `maxTokens`; `context`: there is no room for more. */
  readonly finish: Finish;
}

export interface ModelsHere {
  /** Models that can be run here: those of the network, and language models that were fetched. */
  models(): Promise<ModelInfo[]>;
  /**
   * Brings a model onto this device, whole and checked. @param onBytes bytes that are here, of how many
   * @throws MODEL_MISSING, MODEL_CORRUPT, MODEL_STOPPED, MODEL_STORE_FULL, MODEL_STORE_FAILED
   */
  fetchModel(
    model: string | Uint8Array,
    onBytes?: (here: number, all: number) => void,
  ): Promise<void>;
  /**
   * Labels of texts, by a model that has labels; it is fetched first.
   * @throws MODEL_MISSING, INPUT_EMPTY, INPUT_LONG with the number of tokens and the limit, NO_MINER, and as fetchModel
   */
  run(model: string | Uint8Array, texts: string | readonly string[]): Promise<Row[]>;
  /** What texts mean, as directions that `cosine` compares. @param model default: minilm. @throws as run */
  embed(texts: string | readonly string[], model?: string | Uint8Array): Promise<Embedding[]>;
  /**
   * Goes on with a conversation, or answers one question, by a language model that is on this device.
   * @throws MODEL_MISSING, INPUT_EMPTY, INPUT_LONG, INPUT_CONTROL, OPTION_RANGE, BUSY: where the answer is read
   */
  chat(messages: string | readonly ChatMessage[], options?: ChatOptions): Answer<Chatted>;
}

const EMBEDDER = 'minilm';

/** @throws AppError MODEL_MISSING, which says what there is */
export async function modelCalled(
  api: ClientApi,
  name: string | Uint8Array | undefined,
  kind?: ModelInfo['kind'],
): Promise<ModelInfo> {
  if (name !== undefined || kind === undefined) requireName(name);
  const models = await api.models();
  const found = models.find((model) =>
    name === undefined ? model.kind === kind : isCalled(model, name),
  );
  if (found && (kind === undefined || found.kind === kind)) return found;
  const asked = typeof name === 'string' ? name : 'this model';
  const absent = (await api.storage()).models.find((each) => isCalled(each, name ?? ''));
  const why = found
    ? `${found.name} is a ${found.kind}, not a ${kind}`
    : absent
      ? `${absent.name} is not on this device: fetchModel brings its ${absent.bytes} bytes`
      : `${name === undefined ? `no ${kind} is here` : `${asked} is not known`}; here are ` +
        models.map((each) => each.name).join(', ');
  throw new AppError('MODEL_MISSING', why);
}

function isCalled(model: { name: string; id: Uint8Array }, name: string | Uint8Array): boolean {
  return typeof name === 'string' ? model.name === name : model.id.join() === name.join();
}

/** @throws AppError ARGUMENT_REFUSED */
export function messagesOf(said: string | readonly ChatMessage[]): readonly ChatMessage[] {
  if (typeof said === 'string') return [{ role: 'user', content: said }];
  requireMessages(said);
  return said;
}

/**
 * In the units of docs/generation.md; what is out of its range is refused where it is read.
 * @throws AppError ARGUMENT_REFUSED
 */
export function choosingOf(options: ChatOptions): Partial<Choosing> {
  if (options.seed !== undefined) requireText(options.seed, 'a seed');
  const { temperature, topP, topK, penalty, maxTokens } = options;
  return {
    ...(temperature !== undefined && { temperature: Math.round(temperature * UNIT) }),
    ...(topP !== undefined && { topP: Math.round(topP * TOP_P_ONE) }),
    ...(topK !== undefined && { topK }),
    ...(penalty !== undefined && { penalty: Math.round(penalty * UNIT) }),
    ...(maxTokens !== undefined && { maxTokens }),
  };
}

/** @throws AppError INPUT_LONG, ARGUMENT_REFUSED */
export async function conversationOf(
  api: ClientApi,
  model: ModelInfo,
  said: string | readonly ChatMessage[],
): Promise<Uint8Array> {
  const { input, tokens, limit } = await api.converse(model.id, messagesOf(said));
  if (input) return input;
  throw new AppError('INPUT_LONG', `${tokens} tokens; ${model.name} takes ${limit}`);
}

/** @throws AppError INPUT_EMPTY, INPUT_LONG, ARGUMENT_REFUSED */
export async function inputOf(
  api: ClientApi,
  model: ModelInfo,
  texts: readonly string[],
): Promise<Uint8Array> {
  requireTexts(texts);
  const { input, tokens } = await api.tokenise(model.id, texts);
  if (input) return input;
  const most = model.packing === 'bytes' ? model.inputBytesMax : tokensMax(model);
  const unit = model.packing === 'bytes' ? 'bytes' : 'tokens';
  throw new AppError('INPUT_LONG', `${Math.max(...tokens)} ${unit}; ${model.name} takes ${most}`);
}

/** Texts as they go into passes: a model of bytes reads one in a pass, others one in each sequence. */
export function passesOf(model: ModelInfo, texts: readonly string[]): (readonly string[])[] {
  const size = model.packing === 'bytes' ? 1 : model.shapes[0]!.sequences;
  const passes = Math.ceil(texts.length / size);
  return Array.from({ length: passes }, (_, i) => texts.slice(i * size, (i + 1) * size));
}

export function modelsHere(
  api: ClientApi,
  onModel: (
    listener: (model: { name: string; stored: number; bytes: number }) => void,
  ) => () => void,
): ModelsHere {
  /** A row for each text; of a model of bytes that of its beginning. */
  async function rowsOf(model: ModelInfo, texts: readonly string[]): Promise<Int8Array[]> {
    const rows: Int8Array[] = [];
    for (const pass of passesOf(model, texts)) {
      const input = await inputOf(api, model, pass);
      rows.push(
        ...usedRows(await api.execute(model.id, input), input, model).slice(0, pass.length),
      );
    }
    return rows;
  }

  async function* chatted(
    said: string | readonly ChatMessage[],
    options: ChatOptions,
    over: AbortSignal,
  ): AsyncGenerator<string, Chatted> {
    requireOptions(options);
    const model = await modelCalled(api, options.model, 'generator');
    const answer = await api.generate({
      model: model.id,
      input: await conversationOf(api, model, said),
      options: choosingOf(options),
      ...(options.seed !== undefined && { seed: options.seed }),
    });
    const stop = (): unknown => api.stopGenerating(answer).catch(() => undefined);
    over.addEventListener('abort', stop);
    if (over.aborted) await stop();
    let whole = '';
    let isOver = false;
    try {
      for (;;) {
        const { text, tokens, finish } = await api.generated(answer);
        isOver = finish !== undefined;
        whole += text;
        if (text) yield text;
        if (finish) return { text: whole, tokens, finish };
      }
    } finally {
      if (!isOver) await stop();
    }
  }

  return {
    models: () => api.models(),
    async fetchModel(wanted, onBytes) {
      requireName(wanted);
      const { models } = await api.storage();
      const model = models.find((each) => isCalled(each, wanted));
      if (!model) {
        const names = models.map(({ name }) => name).join(', ');
        throw new AppError('MODEL_MISSING', `models that can be fetched: ${names}`);
      }
      const off = onModel(({ name, stored, bytes }) => {
        if (name === model.name) onBytes?.(stored, bytes);
      });
      await api.fetchModel(model.id).finally(off);
    },
    async run(wanted, texts) {
      const model = await modelCalled(api, wanted);
      if (!model.labels.length)
        throw new AppError('MODEL_MISSING', `${model.name} has no labels: embed, or chat`);
      const rows = await rowsOf(model, [texts].flat());
      return rows.map((values) => ({ ...readRow(values, model.labels), values }));
    },
    async embed(texts, wanted = EMBEDDER) {
      const model = await modelCalled(api, wanted, 'encoder');
      return (await rowsOf(model, [texts].flat())).map(readEmbedding);
    },
    chat: (messages, options = {}) => answerOf((over) => chatted(messages, options, over)),
  };
}
