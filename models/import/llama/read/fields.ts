/** Settings of a checkpoint by name: each is what it must be, or refused with its name before anything is read. */
import { VOCABULARY_MAX } from '../../../../src/core/manifest.ts';
import { AppError } from '../../../../src/lib/errors.ts';
import { shown } from '../../checkpoint/json.ts';
import type { LlamaConfig } from './llama.ts';

/** The longest published ones have 20,000. */
export const TEMPLATE_CHARS_MAX = 65_536;
/** Far over what decoders of this class have that a page could run. */
const MOST = {
  layers: 256,
  hidden: 16_384,
  heads: 256,
  headWidth: 512,
  ffn: 131_072,
  context: 2 ** 24,
} as const;
const EPSILON_MAX = 0.01;

export type Sizes = Pick<
  LlamaConfig,
  'layers' | 'hidden' | 'heads' | 'keyHeads' | 'headWidth' | 'ffn' | 'epsilon' | 'context'
>;

/** What says nothing: a missing field, or JSON's null. */
const isNothing = (value: unknown): boolean => value === undefined || value === null;

export class Fields {
  readonly #what: string;
  readonly #get: (name: string) => unknown;

  /** @param what the file, for messages */
  constructor(what: string, get: (name: string) => unknown) {
    this.#what = what;
    this.#get = get;
  }

  get(name: string): unknown {
    return this.#get(name);
  }

  has(name: string): boolean {
    return !isNothing(this.#get(name));
  }

  refuse(name: string, what: string): AppError {
    return new AppError('MODEL_REFUSED', `${this.#what}: ${name} ${what}`);
  }

  /** A whole number. @param fallback where there is none: without it, it must be there */
  count(name: string, least: number, most: number, fallback?: number): number {
    const value = this.has(name) ? this.#get(name) : fallback;
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
      throw this.refuse(name, `is ${shown(value)}, not ${least} to ${most}`);
    return value as number;
  }

  /** A number over `above`. */
  real(name: string, above: number, most: number, fallback?: number): number {
    const value = this.has(name) ? this.#get(name) : fallback;
    if (typeof value !== 'number' || !(value > above && value <= most))
      throw this.refuse(name, `is ${shown(value)}, not over ${above} and at most ${most}`);
    return value;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.has(name) ? this.#get(name) : fallback;
    if (typeof value !== 'boolean')
      throw this.refuse(name, `is ${shown(value)}, not true or false`);
    return value;
  }

  /** A text of at most `most` characters. */
  text(name: string, most: number): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#get(name);
    if (typeof value !== 'string') throw this.refuse(name, `is ${shown(value)}, no text`);
    if (value.length > most)
      throw this.refuse(name, `has ${value.length} characters; ${most} are the most`);
    return value;
  }

  /** A token of the vocabulary. */
  token(name: string, vocabulary: number): number | undefined {
    return this.has(name) ? this.count(name, 0, vocabulary - 1) : undefined;
  }

  /** Each field is one of these, of which the first is told to who has another, or says nothing. */
  demand(wanted: Readonly<Record<string, readonly unknown[]>>): void {
    for (const [name, values] of Object.entries(wanted)) {
      const value = this.#get(name);
      if (!isNothing(value) && !values.includes(value))
        throw this.refuse(name, `is ${shown(value)}; only ${shown(values[0])} fits`);
    }
  }

  vocabulary(name: string, fallback?: number): number {
    return this.count(name, 3, VOCABULARY_MAX, fallback);
  }

  /** @param names of the fields */
  sizes(names: Readonly<Record<keyof Sizes, string>>): Sizes {
    const count = (size: keyof typeof MOST) => this.count(names[size], 1, MOST[size]);
    const [layers, hidden, heads] = [count('layers'), count('hidden'), count('heads')];
    const keyHeads = this.count(names.keyHeads, 1, heads, heads);
    if (heads % keyHeads)
      throw this.refuse(names.keyHeads, `is ${keyHeads}; ${names.heads}, ${heads}, is no multiple`);
    if (!this.has(names.headWidth) && hidden % heads)
      throw this.refuse(names.heads, `is ${heads}; ${names.hidden}, ${hidden}, is no multiple`);
    const headWidth = this.count(names.headWidth, 2, MOST.headWidth, hidden / heads);
    if (headWidth % 2) throw this.refuse(names.headWidth, `is ${headWidth}, an odd number`);
    return {
      layers,
      hidden,
      heads,
      keyHeads,
      headWidth,
      ffn: count('ffn'),
      // One form of a file keeps it in 32 bits, and no float32 sum sees more.
      epsilon: Math.fround(this.real(names.epsilon, 0, EPSILON_MAX)),
      context: count('context'),
    };
  }
}
