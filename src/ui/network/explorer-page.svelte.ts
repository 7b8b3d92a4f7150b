/** What the pages about one block, transaction and address have in common. */
import { getApp } from '../app-context.ts';
import { formatCount, formatVolts } from '../kit/format.ts';

/** For the beginning of a component. */
export function explorerPage() {
  const { session, preferences, textsOf } = getApp();
  const head = $derived(session.chain?.headId.toString());

  return {
    session,
    get words() {
      return textsOf('network');
    },
    get wallet() {
      return preferences.text.wallet;
    },
    get locale(): string {
      return preferences.locale;
    },
    count: (n: number): string => formatCount(n, preferences.locale),
    volts: (amount: bigint): string => `${formatVolts(amount, preferences.locale)} VLT`,

    /** Loads at every new head; forgets the answer when `question` is another one. */
    follow(
      question: () => unknown,
      { reset, load }: { reset: () => void; load: () => void },
    ): void {
      $effect(() => {
        question();
        reset();
      });
      $effect(() => {
        if (head) load();
      });
    },
  };
}
