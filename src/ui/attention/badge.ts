/** The badge on the installed app's icon: what a person should look at, and nothing else. */

/** Coins and answers that came unseen; a dot for coins that hang on words nobody wrote down. */
export type Sign = number | 'dot' | undefined;

export interface Owned {
  /** Of the account: text that no other account has. */
  readonly account: string;
  /** nV, spendable and maturing. */
  readonly amount: bigint;
  readonly backedUp: boolean;
}

export class Badge {
  #last: Owned | undefined;
  #unseen = 0;
  #answers = 0;
  #shown: Sign;
  readonly #show: (sign: Sign) => void;

  constructor(show: (sign: Sign) => void = showBadge) {
    this.#show = show;
  }

  /**
   * @param seen whether somebody looks at the page
   * @param answers that came since the page was opened
   */
  show(owned: Owned | undefined, { seen, answers }: { seen: boolean; answers: number }): void {
    const before = this.#last;
    this.#last = owned;
    this.#unseen += answers - this.#answers;
    this.#answers = answers;
    if (seen) this.#unseen = 0;
    else if (owned && owned.account === before?.account && owned.amount > before.amount)
      this.#unseen++;
    const isAtRisk = owned !== undefined && owned.amount > 0n && !owned.backedUp;
    const sign = this.#unseen || (isAtRisk ? 'dot' : undefined);
    if (sign !== this.#shown) this.#show((this.#shown = sign));
  }
}

/** Only of an installed app; where there is none, or it is refused, nothing is missing. */
function showBadge(sign: Sign): void {
  const shown =
    sign === undefined
      ? navigator.clearAppBadge?.()
      : navigator.setAppBadge?.(...(sign === 'dot' ? [] : [sign]));
  shown?.catch(() => undefined);
}
