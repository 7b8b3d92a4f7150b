/** The Network screen and the explorer. */
import type { Tx } from '../../../core/formats.ts';
import { inEnglish as counted } from '../plurals.ts';

/** What each kind of transaction is called. */
const kinds: Readonly<Record<Tx['type'], string>> = {
  transfer: 'Payment',
  channel: 'Prepaid',
  close: 'Prepaid, cashed in',
};

export const network = {
  title: 'Network',
  plate: 'Pl. IV · The network',
  connecting: 'Looking for peers…',
  head: {
    title: 'The chain',
    height: 'Last block',
    none: 'none yet',
    stale: (age: string) => `The last block came ${age}: what is shown here may be out of date.`,
    agree: 'Peers with the same last block',
    of: (some: string, all: string) => `${some} of ${all}`,
    sync: 'This device',
    syncs: {
      connecting: 'looks for peers',
      syncing: 'is catching up',
      synced: 'is up to date',
      offline: 'has no peer',
    },
    difficulty: 'Difficulty',
    perBlock: (work: string) => `${work} per block`,
    rate: 'Multiplications per second',
    rateWhy: (time: string) => `from the difficulty: one block in ${time}`,
    waiting: 'Transactions waiting',
    work: 'Work in the whole chain',
    checked: 'Proofs of work checked here',
    genesis: 'First block',
    network: 'Network',
    trial: 'a trial: its coins are worth nothing',
  },
  supply: {
    title: 'Coins',
    issued: 'Created',
    issuedWhy: 'by the rules, up to the last block',
    burned: 'Burned',
    burnedWhy: 'payments under 0.01 VLT to addresses without an account',
    held: 'Held',
    heldWhy: (n: number, shown: string) =>
      counted(n, {
        one: 'in one account, in new blocks, and set aside for answers',
        other: `in ${shown} accounts, in new blocks, and set aside for answers`,
      }),
    unknown: 'not known here',
    unknownWhy: 'this device does not have all accounts yet',
  },
  state: {
    title: 'Full copy of all accounts',
    yes: 'yes',
    no: 'no',
    yesWhy: 'Every account is on this device: it asks nobody, and answers others.',
    noWhy: 'This device asks peers for proofs of what it needs, and checks them.',
  },
  peers: {
    title: 'Peers',
    none: 'Nobody yet. Pila keeps looking.',
    links: {
      webrtc: 'direct, WebRTC',
      'webrtc-direct': 'node, WebRTC',
      websocket: 'node, WebSocket',
      relayed: 'through a relay',
    },
    penalty: (n: string) => `penalty ${n} of 100`,
    counts: (direct: string, nodes: string, relayed: string) => [
      `direct ${direct}`,
      `nodes ${nodes}`,
      `relayed ${relayed}`,
    ],
  },
  know: {
    title: 'How do we know?',
    head: 'This device keeps the header of every block. Each header carries the fingerprint of the one before it, and a proof of the work that its difficulty asks for. The newest proofs, and some older ones drawn at random, were checked here.',
    supplyIssued:
      'Created: 50 VLT a block, halved every 2,102,400 blocks; a trial network begins with its ' +
      'faucet’s coins. Anybody can add it up.',
    supplyHeld:
      'Held: the sum of all accounts, whose fingerprint the block headers carry. As long as nobody broke a rule it is what was created; this device added it up itself.',
    supplyNot:
      'Held needs all accounts. Until this device has them, it is not shown: a peer’s word would be no proof.',
    newest:
      'These are blocks of the chain on this device; nobody was asked. Their times are what their finders wrote, within the limits of the rules.',
    links:
      'These are this device’s own connections. A penalty counts what a peer sent against the rules: at 100 it is shut out for ten minutes, and a point is forgiven every 12 s.',
    waiting:
      'Transactions waiting are those that this device has heard of, each checked; others may know more.',
    peers:
      'A peer agrees when it reported the same last block. Peers are not believed: what they send is checked.',
  },
  newest: {
    title: 'Newest blocks',
    block: (height: string) => `Block ${height}`,
    by: 'found by',
    mine: 'you',
    none: 'No block yet.',
  },
  search: {
    label: 'Look something up',
    note: 'The number of a block, the ID of a block or a transaction, or an address.',
    go: 'Find',
    looking: 'Looking…',
    problems: {
      LOOKUP_EMPTY: 'Enter a block number, an ID or an address.',
      LOOKUP_MALFORMED:
        'This is not a block number, an ID or an address. An ID has 64 characters, 0 to 9 and a to f; an address begins with the network’s name.',
      LOOKUP_UNKNOWN:
        'Nobody within reach knows this ID on the chain that this device follows. It may belong to another network, or never got into a block.',
      ADDRESS_CHECKSUM:
        'A character of this address is wrong, missing or out of place. Copy it again.',
      ADDRESS_NETWORK: 'This address belongs to another network.',
    },
  },
  page: {
    back: 'Back to the network',
    looking: 'Looking for it…',
    again: 'Try again',
    code: 'code',
    noBlock: 'This block is not on the chain that this device follows.',
    noTx: 'Nobody within reach knows this transaction.',
    badId: 'This is not an ID: it should have 64 characters, 0 to 9 and a to f.',
    badHeight: 'This is not a block number or a block ID.',
  },
  block: {
    title: (height: string) => `Block ${height}`,
    genesis: 'The first block',
    id: 'ID',
    previous: 'Block before',
    next: 'Block after',
    time: 'Time',
    miner: 'Paid to',
    depth: 'Blocks on top',
    work: 'Work',
    model: 'Model',
    txs: (n: string) => `Transactions: ${n}`,
    noTxs: 'None: the block only pays whoever found it.',
    noBody: 'No peer within reach still has its transactions.',
    chained:
      'Its header is part of the chain on this device, in which each carries the fingerprint of the one before it. It also carries one fingerprint of all blocks before it, with their work.',
    firstOne:
      'The first block follows from the network’s rules and its own time. It has no work and no transactions.',
    checked: (linear: string, bytes: string) =>
      `Its proof of work was checked on this device: ${bytes} bytes, about one piece of the multiplications in layer ${linear} of the model.`,
    under: (n: string, checked: string) =>
      `Its own proof is not on this device. Blocks on top of it: ${n}. Proofs of this chain that were checked here, the newest ones and a random sample: ${checked}.`,
    body: 'The fingerprint of its transactions, computed here, is the one in its header.',
    state:
      'Its fingerprint of accounts is of all of them before this block; the next header carries the one after it.',
    /** Rows of what its header carries. */
    prints: {
      body: 'Fingerprint of its transactions',
      state: 'Fingerprint of all accounts',
      mmr: 'Fingerprint of the blocks before',
      digest: 'Fingerprint of its proof of work',
    },
  },
  tx: {
    title: 'Transaction',
    kinds,
    waiting: 'waits for a block',
    inBlock: (height: string, index: string) => `block ${height}, position ${index}`,
    state: 'Found in',
    depth: 'Blocks on top',
    from: 'From',
    to: 'To',
    amount: 'Amount',
    fee: 'Fee',
    memo: 'Note',
    nonce: 'Number among the sender’s',
    expiry: 'Valid until block',
    bytes: (n: string) => `${n} bytes`,
    prepaid: 'Set aside',
    prepaidWith: 'Prepaid with',
    payee: 'Who is paid',
    signer: 'Key that may use it',
    prepaidFor: 'Blocks until the rest comes back',
    prepaidIn: 'Set aside in',
    used: 'Used, with the fee',
    inBody:
      'It was read from its block, whose fingerprint is in a header of the chain on this device. Its ID is the fingerprint of what it says, and its signature was checked here.',
    inPool:
      'It is waiting on this device: its signature and its form are right. It is in no block yet, and no block has to take it.',
  },
  address: {
    title: 'Address',
    /** @param isName whether the person named it, or it has its number */
    own: (name: string, isName: boolean) =>
      isName ? `Your own account “${name}”.` : `Your own account no. ${name}.`,
    contact: (name: string) => `Your contact “${name}”.`,
    watched: (name: string) => `You watch this address as “${name}”.`,
    spendable: 'Spendable',
    immature: 'Not spendable yet',
    nonce: 'Transactions sent',
    since: (block: string) => `Since block ${block}, where it first got coins.`,
    total: 'All transactions',
    proven: (height: string) => `proven at block ${height}`,
    history: 'History',
    none: 'No transaction yet.',
    coinbases:
      'Pay for blocks, and what comes back unused when its time is up, are not transactions: they show only in the balance.',
    complete: (n: string) =>
      `Complete, as the proven account counts them: ${n}. Each names the one before it.`,
    part: (some: string, all: string) =>
      `The newest ${some} of ${all}; each names the one before it, so none is missing in between.`,
    unlinked: (some: string, all: string) =>
      `${some} of ${all}. Each is in its block, but it is not proven that there are no others in between.`,
    more: 'Earlier ones',
    watch: 'Keep watching it in the wallet',
    leaf: (bytes: string) =>
      `A peer, or this device’s own copy of all accounts, gave this account with a proof of ${bytes} bytes. The proof was checked against the block below, whose proof of work was checked here.`,
    entries:
      'Each transaction below was read from its block and checked against the block’s header.',
  },
  report: {
    title: 'Bug report',
    why: 'What Pila knows about itself, to attach when you report a bug. It has no keys, words, addresses, amounts or texts of yours; of peers it says how they are connected, not who or where they are. Nothing is sent: you see all of it first.',
    make: 'Make the report',
    again: 'Make it again',
    all: 'Everything in it',
    download: 'Download',
    copy: 'Copy',
    copied: 'Copied.',
    copyFailed: 'The browser did not allow copying. Select the text instead.',
  },
};
export type NetworkText = typeof network;
