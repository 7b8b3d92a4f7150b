/** The wallet screen's own texts: they come with it. */
import { inEnglish as counted } from '../plurals.ts';

export const wallet = {
  gift: {
    asked: 'Requested. They arrive with one of the next blocks.',
    /** @param amount '' where it is not known */
    come: (amount: string) =>
      amount ? `Your trial coins are here: ${amount} VLT.` : 'Your trial coins are here.',
    waits: 'Your trial coins are waiting for a block, and nobody seems to be mining.',
  },
  /** Why nothing can be sent now. */
  hindered: {
    words: 'You can send once you have written down the words.',
    nothing: 'There is nothing to send yet.',
    locked: (amount: string, height: string) =>
      `There is nothing to send yet: the ${amount} VLT for blocks you found can be spent from block ${height} on at the latest.`,
    waiting: 'There is nothing to send now: payments that wait for a block use all you have.',
  },
  account: {
    label: 'Account',
    first: (number: string) => `Account ${number}`,
    add: 'New account',
    rename: 'Rename',
    addTitle: 'New account',
    addWhy:
      'It has an address and coins of its own, from the same 24 words: nothing more to write down. ' +
      'After restoring from the words, accounts that were used are found again; their names are not.',
    searching: 'Looking for other accounts of these words…',
    searchLocked: 'To look for other accounts of these words, unlock the wallet.',
    searchFailed: 'Other accounts of these words could not be looked for.',
    searchAgain: 'Look again',
    found: (n: number) =>
      counted(n, {
        one: 'One more account of these words was found.',
        other: `${n} more accounts of these words were found.`,
      }),
    renameTitle: 'Name of the account',
    nameWhy: 'Only you see it, on this device.',
    name: 'Name',
    make: 'Create and use it',
    save: 'Save',
    paid: 'Work is paid to the account in use.',
  },
  watch: {
    title: 'Watched addresses',
    why: 'Anybody can look at any balance. It is proven here like your own; no keys are needed.',
    add: 'Watch an address',
    address: 'Address',
    name: 'Name (optional)',
    go: 'Watch it',
    remove: (name: string) => `Stop watching ${name}`,
    removeShort: 'Remove',
    notProven: 'not proven yet',
    maturing: (amount: string) => `and ${amount} VLT not spendable yet`,
  },
  fee: {
    legend: 'Fee',
    slow: 'Slow',
    slowWhy: 'when a block has room',
    normal: 'Normal',
    normalWhy: 'in one of the next six blocks',
    fast: 'Fast',
    fastWhy: 'in the next block',
    room: 'Blocks have room: the lowest fee is enough.',
    custom: 'Another fee',
    least: (fee: string) =>
      `At least ${fee} VLT: with less it cannot replace the payment that is waiting.`,
  },
  replace: {
    speedUp: 'Speed up',
    speedUpWhy:
      'The same payment again, with a higher fee. Only one of the two can get into the chain: nothing is paid twice.',
    cancel: 'Cancel payment',
    cancelWhy:
      'Sends the smallest amount to yourself in place of the payment, with a higher fee. If this gets into a block first, the payment never will. If the payment is faster, it stands.',
    /** A rest below the least that an account can hold; VLT stands in it. */
    lost: (rest: string) =>
      `With this fee, ${rest} would be left, less than the 0.01 VLT that an account has to hold: that goes to a miner.`,
    cancelGo: 'Cancel the payment',
    keep: 'Keep it',
    cancelSent: 'Cancellation sent',
    cancelSentWhy: 'Whichever of the two gets into a block first counts: see “Waiting”.',
    cancellation: 'Cancellation of a payment',
    rival: 'being replaced by your newer payment',
    until: (_: number, height: string, left: string) =>
      `valid until block ${height}, ${left} to go`,
  },
  pay: {
    paste: 'An address, or a payment link (pila:…)',
    asksAs: (label: string) => `Whoever asks calls themselves “${label}”`,
    message: (text: string) => `Message: “${text}”`,
    unchecked: 'Anybody can write anything there. Only the address decides who is paid.',
  },
  receive: {
    request: 'Ask for an amount',
    amount: 'Amount in VLT (optional)',
    label: 'Your name (optional)',
    qr: 'QR code of the payment link',
    link: 'Payment link',
    copyLink: 'Copy link',
    amountWrong: 'Enter a number above zero, such as 1.25, or leave it empty.',
  },
};
export type WalletText = typeof wallet;
