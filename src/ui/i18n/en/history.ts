/** Texts of the history: what changed the balance, line by line, and by day and year. */
import { inEnglish as counted } from '../plurals.ts';
export const history = {
  title: 'History',
  filters: { label: 'What is shown', all: 'All', payments: 'Payments', work: 'Work' },
  empty: 'Nothing yet: no payment, no pay for work.',
  none: 'Nothing of this kind among what is shown.',
  found: 'Block found',
  older: 'Older',
  block: (height: string) => `block ${height}`,
  details: 'Details',
  complete: (n: number, shown: string) =>
    counted(n, {
      one: 'Complete: the account’s only transaction, as the proven account counts it.',
      other: `Complete: all ${shown} transactions. Each names the one before it, and the last is in the proven account.`,
    }),
  linked: (shown: string, total: string) =>
    `The newest transactions, ${shown} of ${total}, none left out: each names the one before it.`,
  partial: (shown: string, total: string) =>
    `Transactions known here: ${shown} of ${total}. That none is left out between them is not proven.`,
  blocks: 'Your blocks are read from the chain checked here: none is left out.',
  least: 'at least: what was left over on emptied accounts may come on top',
  unknown: 'amount not known: nobody has sent the payment that set it aside',
  channel: {
    open: (limit: string) => `${limit} VLT set aside, in use`,
    closed: (limit: string, spent: string) => `${spent} of ${limit} VLT used; the rest came back`,
    returned: (limit: string) => `${limit} VLT came back unused when the time was up`,
  },
  opening: 'When it was set aside',
  answers: (n: number, shown: string) =>
    counted(n, { one: 'One answer kept', other: `${shown} answers kept` }),
  answerOf: (n: string, total: string) => `Answer ${n}, ${total} VLT used so far`,
  allAnswers: 'Answers and receipts',
  to: (name: string) => `to ${name}`,
  from: (name: string) => `from ${name}`,
  memo: (text: string) => `Note for all to see: “${text}”`,
  note: {
    label: 'Your own note',
    why: 'Only on this device.',
    save: 'Save the note',
    saved: 'Saved.',
  },
  nothing: {
    title: (n: number, shown: string) =>
      counted(n, {
        one: 'One payment did not go through',
        other: `${shown} payments did not go through`,
      }),
  },
  worked: {
    title: 'Work of this device',
    today: 'Today',
    all: 'Altogether',
    units: (n: number, shown: string) => counted(n, { one: 'one run', other: `${shown} runs` }),
    blocks: (n: number, shown: string) =>
      counted(n, { one: 'one block', other: `${shown} blocks` }),
    byHour: 'Runs by hour',
    hour: 'From',
    unitsTitle: 'Runs',
    byHourWhy: 'Counted here as each run was completed, by the hours of this device’s clock.',
    why: 'This stays when you reload. Blocks count as found; whether the chain kept them is in the history.',
  },
  sums: {
    title: 'Income by year and by day',
    whole: 'Everything that ever changed this balance.',
    since: (day: string) => `Only what is shown above, since ${day}. “Older” adds more.`,
    year: 'Year',
    day: 'Day',
    work: 'Earned by work',
    in: 'Received',
    out: 'Spent',
    net: 'Total',
    blocks: 'Blocks',
    none: 'No day with income yet.',
    byDay: 'Income by day',
    byDayWhy:
      'Pay for blocks and answers, as the lines of the history have it, by the day of this device’s clock.',
  },
};
export type HistoryText = typeof history;
