/** The wallet's texts about whom to pay, locks, passkeys, files and pictures: they come with it. */
import { inEnglish as counted } from '../plurals.ts';
export const keyring = {
  payee: {
    contact: (name: string) => `Your contact “${name}”.`,
    account: (name: string) => `Your own account “${name}”.`,
    watched: (name: string) => `You watch this address as “${name}”.`,
    paid: 'Paid before.',
    never: 'Never paid before.',
    unseen: (shown: string, total: string) =>
      `Not paid in the transactions known here: ${shown} of ${total}.`,
    alike: (name: string) => `Looks like ${name}, but is another address`,
    alikeWhy:
      'Somebody may have made it to be mistaken for the one you know. Marked groups are different.',
    knownOne: 'The one you know',
    thisOne: 'The one that would be paid',
    mine: 'an address that you paid',
    sure: 'I compared them with the address I was given: this is the right one',
    theirs: 'an address that paid you',
    sureOfAll: 'I compared the whole address with the one I was given',
    compareAll:
      'Not all whom you paid are known here yet: compare the whole address, and say so above.',
    compareFirst: 'Compare the two addresses first, and say so above.',
    remember: 'Name for this address, to know it the next time',
    keep: 'Keep as contact',
    kept: 'Kept.',
    pick: 'From your contacts',
    none: 'none',
  },
  contacts: {
    title: 'Contacts',
    why: 'Names that you gave to addresses. They stay on this device.',
    remove: (name: string) => `Remove ${name}`,
    removeShort: 'Remove',
  },
  seal: 'Seal: the same address always has the same one',
  summary: {
    amount: 'Amount',
    fee: 'Fee',
    from: 'From',
    memo: 'Note, public for ever',
    chain: (network: string, id: string) => `${network}, chain ${id}`,
    unknownChain: 'unknown',
    nonce: 'Number among your payments',
  },
  changed: {
    again: 'Nothing was sent: something changed since you looked. Look again.',
    nonce: 'Another payment from this account came in between, so this one got another number.',
    fee: 'The fees are others now.',
    expiry: 'Time has passed: it is valid until a later block.',
    spendable: 'Less can be spent from this account than before.',
  },
  lock: {
    label: 'Locks when not used for',
    minutes: (n: string) => `${n} min`,
    why: 'Also after a minute in which nobody sees this page. Work goes on, and is paid.',
  },
  passkey: {
    title: 'Passkey',
    add: 'Add a passkey',
    remove: 'Remove passkey',
    yes: 'A passkey opens the keys beside the passphrase.',
    no: 'A passkey can open the keys by fingerprint, face or PIN, beside the passphrase.',
    why:
      'A shortcut, never the root: if the passkey is deleted, the passphrase still opens the keys, and ' +
      'the 24 words bring them back.',
    go: 'Make the passkey',
    unlock: 'Unlock with the passkey',
    or: 'Or with the passphrase:',
  },
  restore: {
    intro:
      'Type or paste the 24 words: a list with numbers or commas will do. They are not shown on the screen.',
    unknown: (n: number, places: string) =>
      counted(n, {
        one: `Word ${places} is not in the list.`,
        other: `Words ${places} are not in the list.`,
      }),
    like: (place: string) => `Word ${place}: did you mean`,
    endings: 'The word may be',
    show: 'Show the words to see what is like them.',
  },
  file: {
    export: 'Save as a file',
    exportTitle: 'Wallet file',
    exportWhy:
      'Keys sealed by your passphrase, names of accounts, contacts and watched addresses. Whoever has ' +
      'the file can guess at the passphrase for as long as they like: keep it where only you are. It ' +
      'does not replace the 24 words, and holds neither conversations nor answers nor the texts that you search.',
    first: 'Set a passphrase first: it seals the file.',
    save: 'Save the file',
    import: 'Open a wallet file',
    importTitle: 'Open a wallet file',
    importWhy: 'The file that “Save as a file” made, and the passphrase of that time.',
    chooseFirst: 'Choose the file and type its passphrase first.',
    choose: 'Wallet file',
    open: 'Open it',
    openDear: 'Open it all the same',
    stop: 'Stop opening',
    weak: 'This file’s passphrase is easily guessed. Set another, and delete the old file.',
    saved: 'Saved.',
  },
  csv: {
    save: 'Save as CSV',
    time: 'Time (UTC)',
    block: 'Block',
    kind: 'Kind',
    change: 'Change in VLT',
    fee: 'Fee in VLT',
    other: 'Other side',
    memo: 'Note',
    name: 'Contact',
    own: 'Own note',
    remark: 'Remark',
    id: 'Transaction or block',
    rest: 'Not in these lines',
    restWhy: 'what the balance holds beside them: earlier, or not proven line by line',
    cut: (n: number, shown: string) =>
      counted(n, {
        one: 'Only the newest transaction is in the file.',
        other: `Only the newest ${shown} transactions are in the file.`,
      }),
  },
  scan: {
    open: 'Scan a QR code',
    close: 'Stop scanning',
    camera: 'Use the camera',
    picture: 'Choose a picture',
    looking: 'Hold the code in front of the camera.',
    why: 'The picture stays on this device.',
  },
};
export type KeyringText = typeof keyring;
