/** A stepper that keeps tokens alone, and runs the real pass over all of them again for each step. */
import { shapeFor } from '../../../src/core/manifest.ts';
import { assert } from '../../../src/lib/errors.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import type { Stepper, StepRequest } from '../../../src/miner/generator/stepper.ts';

export class PassStepper implements Stepper {
  readonly conversations: number;
  readonly together = 5;
  /** Tokens of what is open. */
  readonly texts = new Map<number, number[]>();
  /** How many conversations each step had, and how many tokens. */
  readonly steps: { readonly conversations: number; readonly tokens: number }[] = [];
  readonly #model: Pick<ModelPackage, 'manifest'>;
  readonly #backend: Pick<Backend, 'pass'>;
  #count = 0;

  constructor(model: Pick<ModelPackage, 'manifest'>, backend: Pick<Backend, 'pass'>) {
    this.#model = model;
    this.#backend = backend;
    this.conversations = Math.min(...model.manifest.shapes.map(({ sequences }) => sequences));
  }

  open(): number {
    assert(this.texts.size < this.conversations, 'room for a conversation');
    this.texts.set(++this.#count, []);
    return this.#count;
  }

  close(conversation: number): void {
    assert(this.texts.delete(conversation), 'a conversation that is open');
  }

  async step(requests: readonly StepRequest[]): Promise<Int8Array> {
    const { manifest } = this.#model;
    const seats = [...new Set(requests.map(({ conversation }) => conversation))];
    this.steps.push({ conversations: seats.length, tokens: requests.length });
    assert(requests.length >= 1 && requests.length <= this.together, `${requests.length} tokens`);
    const places = requests.map(({ conversation, token }) => {
      const at = this.#textOf(conversation).push(token) - 1;
      return { seat: seats.indexOf(conversation), at };
    });
    const texts = seats.map((each) => this.#textOf(each));
    const shape = shapeFor(manifest, Math.max(...texts.map((text) => text.length)));
    const length = manifest.shapes[shape]!.tokens;
    const tokens = new Uint32Array(texts.length * length);
    for (const [seat, text] of texts.entries()) tokens.set(text, seat * length);
    const plain = { shape, tokens, sigma0: undefined, limits: [], answerOnly: true };
    const { answer } = await this.#backend.pass(plain);
    const size = manifest.answerSize;
    const rows = new Int8Array(requests.length * size);
    for (const [i, { seat, at }] of places.entries()) {
      const from = (seat * length + at) * size;
      rows.set(answer.subarray(from, from + size), i * size);
    }
    return rows;
  }

  #textOf(conversation: number): number[] {
    const text = this.texts.get(conversation);
    assert(text, 'a conversation that is open');
    return text;
  }
}
