/** What is told of an answer of a language model while it is made, and when it is verified. */

/** Why an answer ends: a stop token, its last; as long as was asked for; or as the context allows. */
export type Finish = 'stop' | 'length' | 'context';

/** A token of an answer; with the last one comes why it is. */
export interface Made {
  readonly token: number;
  readonly finish: Finish | undefined;
}

export type Verdict =
  | { readonly right: true }
  | {
      readonly right: false;
      /** Place of the first token that is wrong, missing (the answer's length) or too many. */
      readonly at: number;
      /** What it should be; undefined: the answer ends before it. */
      readonly token: number | undefined;
    };
