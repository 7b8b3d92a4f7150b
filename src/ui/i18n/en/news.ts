/** Notifications: choosing them, and what they say. */
import { inEnglish as plural } from '../plurals.ts';

interface Shown {
  readonly count: string;
  readonly amount: string;
  /** Who sent it; undefined where it came from several. */
  readonly from: string | undefined;
}

export const news = {
  title: 'Notifications',
  why: 'Only while Pila is open but out of sight, and one at a time of each kind. They never show what you asked.',
  kinds: {
    payment: 'When a payment arrives',
    answer: 'When a question of mine is answered',
    block: 'When this device finds a block',
  },
  refused:
    'The browser does not allow it. Allow notifications in its settings for this site, then choose again.',
  told: {
    payment: (n: number, { count, amount, from }: Shown) => ({
      title: plural(n, { one: 'Payment received', other: `${count} payments received` }),
      body: from === undefined ? `${amount} VLT in all` : `${amount} VLT from ${from}`,
    }),
    answer: (n: number, { count }: Shown) => ({
      title: plural(n, {
        one: 'Your question is answered',
        other: `${count} of your questions are answered`,
      }),
      body: 'Open Pila to read it.',
    }),
    block: (n: number, { count }: Shown) => ({
      title: plural(n, { one: 'Block found', other: `${count} blocks found` }),
      body: 'By this device: the pay is on its way to your balance.',
    }),
  },
};
