/** What makes answers token by token: steps of a model, which give the rows that its pass gives. */

/** Tokens that a step may take at most. */
export const TOGETHER_MAX = 16;
/** Rows that its products may have: two linears of the same weights may be multiplied at once. */
export const STEP_ROWS_MAX = 2 * TOGETHER_MAX;

/** A token at the end of a conversation. Several of one conversation are added in their order. */
export interface StepRequest {
  readonly conversation: number;
  readonly token: number;
}

export interface Stepper {
  /** Tokens that a step takes at most, of one conversation or several. */
  readonly together: number;
  /** Conversations that may be open, at most as many as `together`. */
  readonly conversations: number;
  /** An empty conversation. @throws AppError BUSY where as many are open as may be, DEVICE_MEMORY */
  open(): number;
  /**
   * Adds 1 to `together` tokens. @returns a row [answerSize] of the answer for each: what follows that token
   * @throws AppError DEVICE_LOST, CONTEXT_FULL
   */
  step(requests: readonly StepRequest[]): Promise<Int8Array>;
  /** Forgets a conversation; never while a step adds to it. */
  close(conversation: number): void;
}

export interface StepOptions extends Pick<Stepper, 'together' | 'conversations'> {
  /** For checks: called with A of each linear (from 1), a row for each request, and which request each row is of. */
  readonly onOperand?: (linear: number, a: Int8Array, order: readonly number[]) => void;
}

/** Runs one step at a time; a conversation is not changed while a step adds to it. */
export interface StepEngine extends Stepper {
  /** Tokens that a conversation may have: a step beyond them adds nothing. */
  readonly context: number;
  /** What tells the code of its steps from any other. */
  readonly program: Uint8Array;
  /** Tokens of a conversation. */
  length(conversation: number): number;
  /** Forgets the tokens after the first `length`. */
  truncate(conversation: number, length: number): void;
}
