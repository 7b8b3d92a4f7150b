/** What the Ask screen shows: models, the quote for one of them, and the requests sent from here. */
import type { InputReading, ModelInfo, Quote, Receipt } from '../../client/api.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Session } from '../session.svelte.ts';

/** Readings kept: those of all requests that are, and some looked up. */
const READINGS_MAX = 128;

export class Asks {
  models = $state.raw<readonly ModelInfo[]>([]);
  chosen = $state.raw<ModelInfo>();
  quote = $state.raw<Quote>();
  /** Newest first; undefined until they were read. */
  receipts = $state.raw<readonly Receipt[]>();
  readonly #session: Session;
  /** By request's model and input, as far as they were asked for. */
  #readings = $state.raw<ReadonlyMap<string, InputReading>>(new Map());
  readonly #looking = new Set<string>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Reads, and follows changes until the result is called. */
  start(): () => void {
    const stop = this.#session.on((event) => {
      if (event.type === 'receipt') this.#note(event.receipt);
    });
    void this.#read().catch((error: unknown) => this.#session.fail(error));
    return stop;
  }

  choose(name: string): void {
    this.chosen = this.models.find((model) => model.name === name);
    this.quote = undefined;
    void this.refreshQuote();
  }

  /** After each new head: the price follows the difficulty. Before the first there is none. */
  async refreshQuote(): Promise<void> {
    const model = this.chosen;
    if (!model) return;
    const quote = await this.#session.peer.quote(model.name).catch(() => undefined);
    if (quote && this.chosen === model) this.quote = quote;
  }

  modelOf(id: Uint8Array): ModelInfo | undefined {
    return this.models.find((model) => equal(model.id, id));
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

  async #read(): Promise<void> {
    this.models = await this.#session.peer.models();
    this.chosen ??= this.models[0];
    await this.refreshQuote();
    const read = await this.#session.peer.requests();
    const newer = new Map(this.receipts?.map((receipt) => [toHex(receipt.id), receipt]));
    this.receipts = read.map((receipt) => newer.get(toHex(receipt.id)) ?? receipt);
  }

  #note(receipt: Receipt): void {
    const others = this.receipts ?? [];
    const at = others.findIndex(({ id }) => equal(id, receipt.id));
    this.receipts = at < 0 ? [receipt, ...others] : others.with(at, receipt);
  }
}
