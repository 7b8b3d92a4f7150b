/** What callers ask over HTTP, as a model takes it. */
import { modelNamed, type ChainNetwork } from '../../client/models/networks.ts';
import type { PackageStore } from '../../client/models/package-store.ts';
import { createTexts, type Texts } from '../../client/models/texts.ts';
import { TokenThread } from '../../client/models/token-thread.ts';
import {
  inputBytesMax,
  inputTokens,
  isGenerator,
  tokensMax,
  type Manifest,
} from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import { startTokens } from '../start-tokens.ts';

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

export interface Inference {
  readonly names: readonly string[];
  /** @throws AppError MODEL_MISSING */
  model(name: string): NamedModel;
  /**
   * @throws AppError MODEL_MISSING, MODEL_CORRUPT, TOKENIZER_MISSING, TOKENISER_SLOW, INPUT_EMPTY, INPUT_CONTROL,
   * INPUT_LONG
   */
  read(asked: Asked): Promise<{ readonly model: NamedModel; readonly input: Uint8Array }>;
  readInput: Texts['readInput'];
}

export interface InferenceDeps {
  readonly network: ChainNetwork;
  readonly packages: Pick<PackageStore, 'tokenizer' | 'generation'>;
}

export function createInference({ network, packages }: InferenceDeps): Inference {
  const names = [...network.models.values()]
    .filter((manifest) => !isGenerator(manifest))
    .map(({ name }) => name);
  const texts = createTexts(network.models, packages, new TokenThread(startTokens));

  function model(name: string): NamedModel {
    const found = modelNamed(network, name);
    // What is answered over HTTP is rows: a language model is asked over a channel.
    if (!found || isGenerator(found.manifest))
      throw new AppError('MODEL_MISSING', `models here: ${names.join(', ')}`);
    return { name, ...found };
  }

  async function inputOf(
    given: Asked['input'],
    { name, id, manifest }: NamedModel,
  ): Promise<Uint8Array> {
    if (given instanceof Uint8Array) {
      if (inputTokens(given, manifest)) return given;
      throw new AppError('INPUT_LONG', `${given.length} bytes do not fit ${name}`);
    }
    const { input, tokens } = await texts.tokenise(id, given);
    if (input) return input;
    throw new AppError('INPUT_LONG', `${tooLong(tokens, manifest)} of ${name}`);
  }

  return {
    names,
    model,
    async read(asked) {
      const named = model(asked.model);
      return { model: named, input: await inputOf(asked.input, named) };
    },
    readInput: texts.readInput,
  };
}

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
