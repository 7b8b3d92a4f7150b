/** What a person types for a model, and what the model's tokenizer makes of it. */
import type { ModelInfo, Tokenised } from '../../client/api.ts';
import { AppError } from '../../lib/errors.ts';
import type { Session } from '../session.svelte.ts';
import type { Asks } from './asks.svelte.ts';
import { isOfWords, typedTexts } from './question.ts';

/** ms without a key after which it is counted. */
const COUNT_MS = 150;
const NOTHING: Tokenised = { tokens: [], input: new Uint8Array() };

export class Typed {
  text = $state('');
  /** Of what is typed now; undefined until it is counted. */
  made = $state.raw<Tokenised>();
  /** What counting failed with. */
  uncounted = $state.raw<AppError>();
  readonly #session: Session;
  readonly #begun: string;
  readonly #asks: Asks;

  /** One text at a time: those of each key behind one on which a tokenizer does not end would keep others' waiting. */
  #counting: Promise<void> = Promise.resolve();

  /** @param text what it begins with */
  constructor(session: Session, asks: Asks, text: string) {
    this.#session = session;
    this.#asks = asks;
    this.text = this.#begun = text;
  }

  /** Nothing was typed since: a draft of before, or a link's text, stands as it did. */
  get isAsBegun(): boolean {
    return !this.text || this.text === this.#begun;
  }

  /** What was counted was for another model. */
  forget(): void {
    [this.made, this.uncounted] = [NOTHING, undefined];
  }

  /** Counts it in the client's worker, a moment from now; the result stops that. */
  count(text: string, model: ModelInfo): () => void {
    let isOver = false;
    const measure = async (): Promise<void> => {
      if (isOver) return;
      // The first text may wait for the model's words.
      if (this.made === NOTHING && text) this.made = undefined;
      try {
        const found = await this.tokenise(model, text);
        if (isOver) return;
        [this.made, this.uncounted] = [found, undefined];
        if (isOfWords(model) && text) this.#asks.readAgain();
      } catch (e) {
        if (!isOver) [this.made, this.uncounted] = [undefined, AppError.from(e)];
      }
    };
    const timer = setTimeout(() => {
      this.#counting = this.#counting.then(measure);
    }, COUNT_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  /** Nothing is fetched for a text that is not there. */
  async tokenise(model: ModelInfo, text = this.text): Promise<Tokenised> {
    if (model.kind === 'generator' && text.trim()) {
      const said = [{ role: 'user', content: text }] as const;
      const { tokens, input } = await this.#session.peer.converse(model.id, said);
      return { tokens: [tokens], input };
    }
    const texts = typedTexts(text, model);
    if (!texts.length || !text) return NOTHING;
    return this.#session.peer.tokenise(model.id, texts).catch((e: unknown) => {
      if (AppError.from(e).code !== 'INPUT_LONG') throw e;
      return { tokens: [Infinity], input: undefined };
    });
  }
}
