/** What makes answers token by token: the step of a model, which gives the rows that its pass gives. */

/** A text that grows, with all that a stepper keeps of it. */
export type Conversation = number;

export interface Stepper {
  /** Conversations that may be open, and that one step takes, at most. */
  readonly width: number;
  /** A conversation without a token. */
  open(): Conversation;
  /**
   * Takes the first tokens of a conversation, at least one. @returns the answer's row [answerSize] of the last of them
   * @throws AppError PASS_ABORTED, DEVICE_LOST, DEVICE_MEMORY
   */
  prefill(
    conversation: Conversation,
    tokens: Uint32Array,
    signal?: AbortSignal,
  ): Promise<Int8Array>;
  /** Takes one more token of each. @returns their rows, one after the other @throws AppError as `prefill` */
  step(
    next: readonly { readonly conversation: Conversation; readonly token: number }[],
  ): Promise<Int8Array>;
  /** Forgets a conversation; never while a call for it runs. */
  close(conversation: Conversation): void;
}
