/** A conversation with language models on this device: its turns, the answer that is being written, what is kept. */
import type { GenerateAsked } from '../../../../client/api.ts';
import type { Session } from '../../../session.svelte.ts';
import { Writing } from '../writing.svelte.ts';
import { newKey, type Chats, type Entry } from './chats.svelte.ts';
import {
  CHAT_BYTES_FULL,
  newChat,
  TURNS_MAX,
  type KeptChat,
  type Read,
  type Turn,
} from './kept-chat.ts';

/** What is asked, and what its answer will say of itself. */
export interface Asked {
  readonly generate: GenerateAsked;
  readonly seed: string;
  /** Name of the model. */
  readonly model: string;
  readonly unread: number;
  /** Passages that stand before the question. */
  readonly read: Read[];
}

export class Talk {
  key = $state('');
  chat = $state.raw<KeptChat>(newChat());
  /** What was said last is not kept, and `chats.failed` does not say why. */
  isLost = $state(false);
  /** Of the answer to the last question, while it is made. */
  running = $state.raw<Asked>();
  readonly writing: Writing;
  readonly #chats: Chats;
  /** Of the present answer. */
  #turn = 0;
  #bytes = 0;
  #keeping: Promise<void> = Promise.resolve();
  #asking: Promise<void> = Promise.resolve();

  /** @param entry the kept one that it goes on with; absent: a new one */
  constructor(session: Session, chats: Chats, entry?: Entry) {
    this.writing = new Writing(session);
    this.#chats = chats;
    this.key = entry?.key ?? newKey();
    if (entry) [this.chat, this.#bytes] = [entry.chat, entry.bytes];
  }

  get turns(): readonly Turn[] {
    return this.chat.turns;
  }

  /** It takes no further question. */
  get isFull(): boolean {
    return this.turns.length >= TURNS_MAX || this.#bytes >= CHAT_BYTES_FULL;
  }

  /**
   * Asks, and keeps what came when the answer has ended. One of the same question stays until the first word of another.
   * @param question undefined: the last one again
   * @param prepare what is asked, undefined: nothing is
   */
  ask(question: string | undefined, prepare: () => Promise<Asked | undefined>): Promise<void> {
    return (this.#asking = this.#ask(question, prepare));
  }

  async #ask(
    question: string | undefined,
    prepare: () => Promise<Asked | undefined>,
  ): Promise<void> {
    const turn = ++this.#turn;
    await this.writing.ask(async () => {
      const asked = await prepare();
      if (!asked || turn !== this.#turn) return undefined;
      this.running = asked;
      if (question !== undefined)
        this.change({ turns: [...this.turns, { question, answer: null }] });
      return asked.generate;
    });
    if (turn === this.#turn) this.#end();
  }

  /** What has come stays. */
  stop(): void {
    if (!this.writing.isRunning) return;
    this.writing.stop();
    this.#turn++;
    this.#end();
  }

  #end(): void {
    const { running, writing } = this;
    this.running = undefined;
    if (!running || !writing.tokens) return;
    const { seed, model, unread, read } = running;
    const { text, tokens, finish } = writing;
    const answer = {
      text,
      tokens,
      end: finish ?? 'failed',
      seed,
      model,
      unread,
      read,
    } as const;
    this.change({ turns: this.turns.with(-1, { ...this.turns.at(-1)!, answer }) });
  }

  /** Kept behind changes before it; without a question nothing is. */
  change(part: Partial<KeptChat>): void {
    this.chat = { ...this.chat, ...part };
    if (!this.turns.length) return;
    this.#keeping = this.#keeping.then(async () => {
      const kept = await this.#chats.put(this.key, this.chat);
      this.isLost = !kept && !this.#chats.failed;
      if (!kept) return;
      this.#bytes = kept.bytes;
      this.key = kept.key;
      const { revision, changedMs } = kept.chat;
      this.chat = { ...this.chat, revision, changedMs };
    });
  }

  /** The answer that is being written has ended by itself. */
  ended(): Promise<void> {
    return this.#asking;
  }

  /** Everything that was said is kept, or could not be. */
  async settled(): Promise<void> {
    await this.#keeping;
  }
}
