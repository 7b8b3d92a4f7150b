/** What callers ask over HTTP, as a model takes it. */
import type { PackageStore } from '../../client/models/package-store.ts';
import { createTexts, type Texts } from '../../client/models/texts.ts';
import { TokenThread } from '../../client/models/token-thread.ts';
import {
  inputBytesMax,
  inputTokens,
  isGenerator,
  modelId,
  tokensMax,
  type Manifest,
} from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { readGeneration, type Generation } from '../../miner/generator/generation.ts';
import { startTokens } from '../start-tokens.ts';
import { FieldError } from './http.ts';

export interface Asked {
  readonly model: string;
  /** Texts, or an input in bytes. */
  readonly input: Uint8Array | readonly string[];
}

export interface NamedModel {
  readonly name: string;
  readonly id: Uint8Array;
  readonly manifest: Manifest;
}

/** What a model gives for an input. */
export const GIVES = ['labels', 'embedding', 'text'] as const;
export type Gives = (typeof GIVES)[number];

export const givesOf = (m: Manifest): Gives => {
  if (isGenerator(m)) return 'text';
  return m.labels.length ? 'labels' : 'embedding';
};

export interface Inference extends Pick<Texts, 'readInput' | 'converse' | 'textBytes'> {
  /** Those whose manifests are here: the admitted ones, the default first, then served ones. */
  models(): readonly NamedModel[];
  /**
   * By its name; the manifest of a served one is fetched first.
   * @throws AppError MODEL_MISSING, MODEL_KIND where it gives something else, NET_TIMEOUT, and those of fetching
   */
  find(name: string, gives?: readonly Gives[]): Promise<NamedModel>;
  /** Of a language model; its generation.json is fetched first. @throws AppError MODEL_REFUSED, and those of fetching */
  generation(model: NamedModel): Promise<Generation>;
  /**
   * Of a model of rows. @throws AppError as `find`, MODEL_CORRUPT, TOKENIZER_MISSING, TOKENISER_SLOW, INPUT_EMPTY,
   * INPUT_CONTROL, INPUT_LONG
   */
  read(
    asked: Asked,
    signal?: AbortSignal,
  ): Promise<{ readonly model: NamedModel; readonly input: Uint8Array }>;
}

/** ms that a call waits for files of a model, which go on coming: nobody who gives them slowly holds its place. */
const FILES_MS = 20_000;

type Packages = Pick<PackageStore, 'manifest' | 'tokenizer' | 'generation' | 'manifests' | 'all'>;

export interface InferenceDeps {
  readonly packages: Packages;
  /** For tests. */
  readonly filesMs?: number;
}

/** The same, whose files come in time. */
const inTime = (packages: Packages, filesMs: number): Packages => ({
  manifests: packages.manifests,
  all: () => packages.all(),
  manifest: (id) => soon(packages.manifest(id), filesMs),
  tokenizer: (id, fetch) => soon(packages.tokenizer(id, fetch), filesMs),
  generation: (id, fetch) => soon(packages.generation(id, fetch), filesMs),
});

/** @throws AppError NET_TIMEOUT */
async function soon<T>(files: Promise<T>, filesMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const why = 'files of this model are still on their way';
  const timer = setTimeout(() => reject(new AppError('NET_TIMEOUT', why)), filesMs);
  return Promise.race([files, late]).finally(() => clearTimeout(timer));
}

export function createInference({ packages: kept, filesMs = FILES_MS }: InferenceDeps): Inference {
  const packages = inTime(kept, filesMs);
  const thread = new TokenThread(startTokens);
  const { readInput, tokenise, converse, textBytes } = createTexts(
    packages.manifests,
    packages,
    thread,
  );

  const named = (manifest: Manifest): NamedModel => ({
    name: manifest.name,
    id: modelId(manifest),
    manifest,
  });
  const models = (): NamedModel[] => [...packages.manifests.values()].map(named);

  async function find(name: string, gives: readonly Gives[] = GIVES): Promise<NamedModel> {
    const said = (await packages.all()).find((model) => model.name === name);
    if (!said) {
      const names = models().map((model) => model.name);
      throw new FieldError('MODEL_MISSING', 'model', `models here: ${names.join(', ')}`);
    }
    const model = named(await packages.manifest(toHex(said.id)));
    const given = givesOf(model.manifest);
    if (gives.includes(given)) return model;
    throw new FieldError('MODEL_KIND', 'model', `${name} gives ${given}: ${ASKED_AT[given]}`);
  }

  async function inputOf(
    given: Asked['input'],
    { name, id, manifest }: NamedModel,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    if (given instanceof Uint8Array) {
      if (inputTokens(given, manifest)) return given;
      throw new AppError('INPUT_LONG', `${given.length} bytes do not fit ${name}`);
    }
    const { input, tokens } = await tokenise(id, given, signal);
    if (input) return input;
    throw new AppError('INPUT_LONG', `${tooLong(tokens, manifest)} of ${name}`);
  }

  return {
    models,
    find,
    readInput,
    converse,
    textBytes,
    async generation({ id, manifest }) {
      return readGeneration(manifest, (await packages.generation(toHex(id), true))!);
    },
    async read(asked, signal) {
      const model = await find(asked.model, ['labels', 'embedding']);
      return { model, input: await inputOf(asked.input, model, signal) };
    },
  };
}

/** Where a model is asked, by what it gives. */
const ASKED_AT: Readonly<Record<Gives, string>> = {
  labels: 'POST /v1/infer',
  embedding: 'POST /v1/embeddings or /v1/infer',
  text: 'POST /v1/chat/completions',
};

/** What does not fit, and what would. @param tokens of each text */
function tooLong(tokens: readonly number[], m: Manifest): string {
  if (m.packing === 'bytes')
    return tokens.length > 1
      ? `${tokens.length} texts are over the 1`
      : `${tokens[0]} bytes are over the ${inputBytesMax(m)}`;
  const longest = Math.max(...tokens);
  return longest > tokensMax(m)
    ? `text ${tokens.indexOf(longest) + 1} has ${longest} tokens, over the ${tokensMax(m)}`
    : `${tokens.length} texts are over the ${m.shapes[0]!.sequences}`;
}
