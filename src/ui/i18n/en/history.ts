/** Texts of the history: what changed the balance, line by line, and by day and year. */
import { inEnglish as counted } from '../plurals.ts';
export const history = {
  title: 'History',
  filters: { label: 'What is shown', all: 'All', payments: 'Payments', work: 'Work' },
  empty: 'Nothing has changed this balance yet.',
  none: 'Nothing of this kind in what is shown.',
  found: 'Block found',
  older: 'Older',
  block: (height: string) => `block ${height}`,
  details: 'Details',
  complete: (n: number, shown: string) =>
    counted(n, {
      one: 'Complete: the one transaction of the account. The proven account counts it.',
      other: `Complete: all ${shown} transactions. Each names the one before it, and the last is in the proven account.`,
    }),
  linked: (shown: string, total: string) =>
    `The newest transactions, ${shown} of ${total}, none left out: each names the one before it.`,
  partial: (shown: string, total: string) =>
    `Transactions known here: ${shown} of ${total}. That none is left out between them is not proven.`,
  blocks: 'Blocks are found in the headers checked here: none is left out.',
  least: 'at least: what small accounts lost to this block may come on top',
  unknown: 'the amount is not known: nobody gave the opening of its channel',
  channel: {
    open: (limit: string) => `${limit} VLT set aside, in use`,
    closed: (limit: string, spent: string) => `${spent} of ${limit} VLT used; the rest came back`,
    returned: (limit: string) => `${limit} VLT came back unused after its time`,
  },
  opening: 'Its opening',
  answers: (n: number, shown: string) =>
    counted(n, { one: 'One answer kept', other: `${shown} answers kept` }),
  answerOf: (n: string, total: string) => `Answer ${n}, ${total} VLT used up to it`,
  allAnswers: 'Answers and receipts',
  to: (name: string) => `to ${name}`,
  from: (name: string) => `from ${name}`,
  memo: (text: string) => `Note for all to see: “${text}”`,
  note: {
    label: 'Your own note',
    why: 'Only on this device.',
    save: 'Keep the note',
    saved: 'Kept.',
  },
  nothing: {
    title: (n: number, shown: string) =>
      counted(n, {
        one: 'One payment came to nothing',
        other: `${shown} payments came to nothing`,
      }),
  },
  worked: {
    title: 'Worked on this device',
    today: 'Today',
    all: 'In all',
    units: (n: number, shown: string) => counted(n, { one: 'one unit', other: `${shown} units` }),
    blocks: (n: number, shown: string) =>
      counted(n, { one: 'one block', other: `${shown} blocks` }),
    why: 'It stays when the page is loaded again. A block counts as found; whether the chain keeps it stands in the history.',
  },
  sums: {
    title: 'By year and by day',
    whole: 'All that ever changed this balance.',
    since: (day: string) => `Only what is shown above, since ${day}. “Older” adds to it.`,
    year: 'Year',
    day: 'Day',
    work: 'Earned by work',
    in: 'Received',
    out: 'Spent',
    net: 'In all',
    blocks: 'Blocks',
    none: 'No day with income yet.',
  },
};
export type HistoryText = typeof history;
