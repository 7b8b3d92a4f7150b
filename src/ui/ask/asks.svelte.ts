/** Models that may be asked, and what inputs of theirs say. */
import type { InputReading, ModelInfo } from '../../client/api.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Session } from '../session.svelte.ts';
import { begunIn, type Begun } from './begun.ts';

/** What one asks first: a language model is here because the person fetched it, and most answers else are words. */
function easiestOf(models: readonly ModelInfo[]): ModelInfo | undefined {
  const writer = models.find(({ kind }) => kind === 'generator');
  return writer ?? models.toSorted((a, b) => b.labels.length - a.labels.length)[0];
}

/** Readings kept: those of all answers that are shown, and some looked up. */
const READINGS_MAX = 128;

export class Asks {
  readonly begun: Begun;
  models = $state.raw<readonly ModelInfo[]>([]);
  chosen = $state.raw<ModelInfo>();
  readonly #session: Session;
  /** By model and input, as far as they were asked for. */
  #readings = $state.raw<ReadonlyMap<string, InputReading>>(new Map());
  readonly #looking = new Set<string>();
  /** Ids in hex of models that will be asked. */
  readonly #expected = new Set<string>();

  constructor(session: Session) {
    this.#session = session;
    this.begun = begunIn(session);
  }

  async read(): Promise<void> {
    try {
      this.models = await this.#session.peer.models();
      if (!this.chosen && this.begun.model) this.#show(this.begun.model);
      this.chosen ??= easiestOf(this.models);
    } catch (error) {
      this.#session.fail(error);
    }
  }

  /** @param id in hex: two models may have one name, when an older package of it is kept or another server named it */
  choose(id: string): void {
    this.begun.model = id;
    this.#show(id);
  }

  #show(id: string): void {
    this.chosen = this.models.find((model) => toHex(model.id) === id);
  }

  modelOf(id: Uint8Array): ModelInfo | undefined {
    return this.models.find((model) => equal(model.id, id));
  }

  /** A question is typed: the model is loaded meanwhile, where it is here. What goes wrong is said to who asks. */
  expect({ id }: ModelInfo): void {
    if (this.#expected.has(toHex(id))) return;
    this.#expected.add(toHex(id));
    void this.#session.peer.loadModel(id).catch(() => undefined);
  }

  /** What an input says; undefined until it was read. */
  readingOf(modelId: Uint8Array, input: Uint8Array): InputReading | undefined {
    const key = `${toHex(modelId)} ${toHex(input)}`;
    const known = this.#readings.get(key);
    if (!known && !this.#looking.has(key)) {
      this.#looking.add(key);
      this.#session.peer
        .readInput(modelId, input)
        .then(
          (reading) => {
            const all = [...this.#readings, [key, reading] as const];
            this.#readings = new Map(all.slice(-READINGS_MAX));
          },
          () => undefined,
        )
        .finally(() => this.#looking.delete(key));
    }
    return known;
  }

  /** Fetches the tokenizer of an input whose ids alone were known. */
  async readWords(modelId: Uint8Array, input: Uint8Array): Promise<void> {
    await this.#session.peer.readInput(modelId, input, true);
    this.readAgain();
  }

  /** A tokenizer has come: what were ids may be texts now. */
  readAgain(): void {
    this.#readings = new Map([...this.#readings].filter(([, { texts }]) => texts));
  }
}
