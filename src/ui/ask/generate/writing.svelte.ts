/** An answer that a language model writes on this device: asked for, read piece by piece, stopped. */
import type { GenerateAsked, GeneratedText } from '../../../client/api.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Session } from '../../session.svelte.ts';

export class Writing {
  text = $state('');
  /** Of the answer, a last one without a text among them. */
  tokens = $state(0);
  isRunning = $state(false);
  /** Why it has ended. */
  finish = $state<GeneratedText['finish'] | 'stopped'>();
  /** Tokens a second since the first of them came; undefined before there are more. */
  perSecond = $state<number>();
  failed = $state.raw<AppError>();
  readonly #session: Session;
  /** Of the present answer; a later one has another. */
  #turn = 0;
  #answer: number | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @param prepare what is asked, undefined: nothing is; a press meanwhile stops it as any other */
  async ask(prepare: () => Promise<GenerateAsked | undefined>): Promise<void> {
    // One that nobody reads any more would run on.
    this.stop();
    const turn = ++this.#turn;
    const isOver = (): boolean => turn !== this.#turn;
    this.#answer = undefined;
    [this.text, this.tokens, this.isRunning] = ['', 0, true];
    [this.finish, this.perSecond, this.failed] = [undefined, undefined, undefined];
    const { peer } = this.#session;
    try {
      const asked = await prepare();
      if (isOver()) return;
      if (!asked) {
        this.isRunning = false;
        return;
      }
      const answer = await peer.generate(asked);
      // Stopped while the model was loaded.
      if (isOver()) return void peer.stopGenerating(answer).catch(() => undefined);
      this.#answer = answer;
      let first: { readonly tokens: number; readonly ms: number } | undefined;
      while (this.isRunning) {
        const { text, tokens, finish } = await peer.generated(answer);
        if (isOver()) return;
        const ms = performance.now();
        if (first && ms > first.ms)
          this.perSecond = (1000 * (tokens - first.tokens)) / (ms - first.ms);
        first ??= { tokens, ms };
        this.text += text;
        [this.tokens, this.finish, this.isRunning] = [tokens, finish, !finish];
      }
      this.#session.ownAnswers++;
    } catch (e) {
      if (!isOver()) [this.failed, this.isRunning] = [AppError.from(e), false];
    }
  }

  /** What has come stays. */
  stop(): void {
    if (!this.isRunning) return;
    this.#turn++;
    [this.isRunning, this.finish] = [false, 'stopped'];
    if (this.#answer !== undefined)
      void this.#session.peer.stopGenerating(this.#answer).catch(() => undefined);
    this.#answer = undefined;
  }
}
