/** A language model as the miner runs it, on one thread: what `bench:llm` times. ms of processor time. */
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { Backend, ModelPackage } from '../../src/miner/engine/backend.ts';
import { STEP } from '../../src/miner/engine/generating.ts';
import { openLanguage, type Language } from '../../src/miner/generator/course.ts';
import { Generator } from '../../src/miner/generator/generate.ts';
import { optionsOf, type Options } from '../../src/miner/generator/options.ts';
import { verify } from '../../src/miner/generator/verify.ts';
import { cpuMs } from '../measure.ts';

export class Ours {
  readonly #model: ModelPackage;
  readonly #backend: Backend;
  readonly #language: Language;
  readonly #generator: Generator;
  #texts = 0;

  constructor(model: ModelPackage, backend: Backend, language: Language, generator: Generator) {
    this.#model = model;
    this.#backend = backend;
    this.#language = language;
    this.#generator = generator;
  }

  static async open(model: ModelPackage): Promise<Ours> {
    const backend = await createCpuBackend(model);
    const { manifest, tables, generation } = model;
    const opened = await openLanguage(manifest, tables, generation!, (i) => backend.rows?.(i));
    // Answers to texts of no meaning would end at any time.
    const language = { ...opened, generation: { ...opened.generation, stops: [] } };
    const generator = new Generator(language, await backend.steps!(STEP));
    return new Ours(model, backend, language, generator);
  }

  /** Of WebAssembly's memories, with the head's. */
  get bytes(): number {
    return (this.#backend.memoryBytes?.() ?? 0) + this.#language.head.memoryBytes();
  }

  #text(n: number): Uint32Array {
    this.#texts++;
    const { vocabulary } = this.#model.manifest;
    const at = (i: number): number => 100 + ((i * 7919 + this.#texts * 104_729) % 40_000);
    return Uint32Array.from({ length: n }, (_, i) => at(i) % vocabulary);
  }

  /** The likeliest token each. */
  #options(count: number): Options {
    const { defaults } = this.#language.generation;
    return optionsOf(defaults, { temperature: 0, penalty: 256, maxTokens: count });
  }

  /** Answers to `askers` texts of n tokens at once. @returns ms until the first token, then a token of one of them */
  async answer(n: number, count: number, askers = 1): Promise<{ firstMs: number; ms: number }> {
    const start = cpuMs();
    let [first, last, made] = [0, 0, 0];
    const one = async (): Promise<void> => {
      const request = { input: this.#text(n), options: this.#options(count) };
      let own = 0;
      for await (const _ of this.#generator.generate(request)) {
        last = cpuMs();
        if (!own++) first = last;
        else made++;
      }
    };
    await Promise.all(Array.from({ length: askers }, one));
    return { firstMs: first - start, ms: (last - first) / made };
  }

  /** One pass over n tokens, as whoever checks an answer runs it, without the head. */
  async pass(n: number): Promise<number> {
    const { shapes } = this.#model.manifest;
    const shape = shapes.findIndex(({ tokens }) => tokens >= n);
    const tokens = new Uint32Array(shapes[shape]!.tokens);
    tokens.set(this.#text(n));
    const start = cpuMs();
    await this.#backend.pass({ tokens, shape, sigma0: undefined, limits: [], answerOnly: true });
    return cpuMs() - start;
  }

  /** Makes an answer, then checks it. */
  async verified(n: number, count: number): Promise<{ makingMs: number; checkingMs: number }> {
    const request = { input: this.#text(n), options: this.#options(count) };
    let start = cpuMs();
    const made: number[] = [];
    for await (const { token } of this.#generator.generate(request)) made.push(token);
    const makingMs = cpuMs() - start;
    start = cpuMs();
    const claim = { ...request, answer: Uint32Array.from(made) };
    const { right } = await verify(this.#language, this.#backend, claim);
    if (!right) throw new Error('an answer that does not verify');
    return { makingMs, checkingMs: cpuMs() - start };
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}
