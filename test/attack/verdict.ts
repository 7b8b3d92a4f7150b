/** What judges say of a try. */

/**
 * What it takes to see a lie; nothing else may make verdicts differ.
 * - bytes: what was told. All say the same, at once.
 * - state: what executing the block's transactions shows. A client passes a block on before it executes it, as it may
 *   have to ask for a witness: it charges nobody, leaves the block again, and finds the same fault.
 * - model: a replay. A page without the model takes the block, until the honest chain is heavier.
 */
export type Knows = 'bytes' | 'state' | 'model';

export interface Verdict {
  readonly accepted: boolean;
  /** The rule that refused it. */
  readonly fault: string | undefined;
  /** What judges said that differs, and may not. */
  readonly differences: readonly string[];
}
