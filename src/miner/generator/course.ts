/** The course of one answer: what its maker and whoever checks it have in common (docs/generation.md). */
import type { Manifest } from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import type { PlacedRows } from '../cpu/kernel/kernel.ts';
import type { Finish } from './answer.ts';
import { Chooser } from './choice.ts';
import { readGeneration, type Generation } from './generation.ts';
import { createHead, type Head } from './head.ts';
import type { Options } from './options.ts';

/** A language model but for its passes. */
export interface Language {
  readonly manifest: Manifest;
  readonly generation: Generation;
  readonly head: Head;
  readonly chooser: Chooser;
}

/**
 * @param file bytes of generation.json; `tables`: of the package; `placed`: as of `createHead`
 * @throws AppError MODEL_CORRUPT, MODEL_REFUSED, DEVICE_MEMORY
 */
export async function openLanguage(
  manifest: Manifest,
  tables: readonly Uint8Array[],
  file: Uint8Array,
  placed?: (table: number) => PlacedRows | undefined,
): Promise<Language> {
  const generation = readGeneration(manifest, file);
  const head = await createHead(manifest, generation, tables, placed);
  const chooser = new Chooser(generation.perNat, manifest.vocabulary);
  return { manifest, generation, head, chooser };
}

export class Course {
  /** Tokens of the answer at most. */
  readonly limit: number;
  readonly #language: Language;
  readonly #options: Options;
  readonly #stops: ReadonlySet<number>;
  readonly #seen = new Set<number>();
  #place = 0;

  /**
   * @param input token ids, without padding
   * @throws AppError INPUT_EMPTY, INPUT_LONG where no token of an answer has room, or one is not below V
   */
  constructor(language: Language, input: Uint32Array, options: Options) {
    const { generation, manifest } = language;
    const room = generation.context - input.length;
    if (!input.length) throw new AppError('INPUT_EMPTY', 'an input has at least one token');
    if (room < 1)
      throw new AppError(
        'INPUT_LONG',
        `${input.length} tokens, where input and answer may have ${generation.context}`,
      );
    const odd = input.find((id) => id >= manifest.vocabulary);
    if (odd !== undefined)
      throw new AppError('INPUT_LONG', `token ${odd} is not below ${manifest.vocabulary}`);
    this.#language = language;
    this.#options = options;
    this.limit = Math.min(options.maxTokens, room);
    this.#stops = new Set([...generation.stops, ...options.stops]);
    for (const id of input) this.#see(id);
  }

  #see(id: number): void {
    if (!this.#stops.has(id)) this.#seen.add(id);
  }

  /** The next token of the answer. @param logits after all before it; they are changed */
  choose(logits: Float64Array): number {
    const moment = { place: this.#place, seen: this.#seen };
    return this.#language.chooser.choose(logits, this.#options, moment);
  }

  /** Goes on behind the next token. @returns why the answer ends with it, if it does */
  take(token: number): Finish | undefined {
    this.#place++;
    this.#see(token);
    if (this.#stops.has(token)) return 'stop';
    if (this.#place < this.limit) return undefined;
    return this.#place === this.#options.maxTokens ? 'length' : 'context';
  }
}
