/** A stepper that keeps tokens alone, and runs the real pass over all of them again for each new one. */
import { shapeFor } from '../../../src/core/manifest.ts';
import { assert } from '../../../src/lib/errors.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import type { Conversation, Stepper } from '../../../src/miner/generator/stepper.ts';

export class PassStepper implements Stepper {
  readonly width: number;
  /** Tokens of what is open. */
  readonly conversations = new Map<Conversation, number[]>();
  /** How many conversations each step had. */
  readonly steps: number[] = [];
  readonly #model: Pick<ModelPackage, 'manifest'>;
  readonly #backend: Pick<Backend, 'pass'>;
  #count = 0;

  constructor(model: Pick<ModelPackage, 'manifest'>, backend: Pick<Backend, 'pass'>) {
    this.#model = model;
    this.#backend = backend;
    this.width = Math.min(...model.manifest.shapes.map(({ sequences }) => sequences));
  }

  open(): Conversation {
    assert(this.conversations.size < this.width, 'room for a conversation');
    this.conversations.set(++this.#count, []);
    return this.#count;
  }

  prefill(conversation: Conversation, tokens: Uint32Array, signal?: AbortSignal) {
    this.#of(conversation).push(...tokens);
    return this.#rows([conversation], signal);
  }

  step(next: Parameters<Stepper['step']>[0]) {
    this.steps.push(next.length);
    for (const { conversation, token } of next) this.#of(conversation).push(token);
    return this.#rows(next.map(({ conversation }) => conversation));
  }

  close(conversation: Conversation): void {
    assert(this.conversations.delete(conversation), 'a conversation that is open');
  }

  #of(conversation: Conversation): number[] {
    const tokens = this.conversations.get(conversation);
    assert(tokens, 'a conversation that is open');
    return tokens;
  }

  /** The rows of the last tokens. */
  async #rows(conversations: readonly Conversation[], signal?: AbortSignal): Promise<Int8Array> {
    const { manifest } = this.#model;
    const texts = conversations.map((each) => this.#of(each).slice());
    const shape = shapeFor(manifest, Math.max(...texts.map(({ length }) => length)));
    const length = manifest.shapes[shape]!.tokens;
    const tokens = new Uint32Array(texts.length * length);
    for (const [i, text] of texts.entries()) tokens.set(text, i * length);
    const plain = { shape, tokens, sigma0: undefined, limits: [], answerOnly: true };
    const { answer } = await this.#backend.pass({ ...plain, ...(signal && { signal }) });
    const size = manifest.answerSize;
    const rows = new Int8Array(texts.length * size);
    for (const [i, text] of texts.entries()) {
      const at = (i * length + text.length - 1) * size;
      rows.set(answer.subarray(at, at + size), i * size);
    }
    return rows;
  }
}
