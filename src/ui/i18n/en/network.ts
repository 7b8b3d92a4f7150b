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
    agree: 'Peers with the same head',
    of: (some: string, all: string) => `${some} of ${all}`,
    sync: 'This device',
    syncs: {
      connecting: 'looks for peers',
      syncing: 'is catching up',
      synced: 'is at the head',
      offline: 'has no peer',
    },
    difficulty: 'Difficulty',
    perBlock: (work: string) => `${work} per block`,
    rate: 'Rate it stands for',
    rateWhy: (time: string) => `one block in ${time}`,
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
    burnedWhy: 'payments under 0.01 VLT to whom had no account',
    held: 'Held',
    heldWhy: (n: number, shown: string) =>
      counted(n, {
        one: 'in one account, in new blocks, and set aside for answers',
        other: `in ${shown} accounts, in new blocks, and set aside for answers`,
      }),
    unknown: 'not known here',
    unknownWhy: 'this device does not hold the whole state yet',
  },
  state: {
    title: 'State held',
    yes: 'whole',
    no: 'in parts',
    yesWhy: 'Every account is on this device. It asks nobody, and answers others.',
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
    counts: (direct: string, nodes: string, relayed: string) =>
      `direct ${direct} · nodes ${nodes} · relayed ${relayed}`,
  },
  know: {
    title: 'How do we know?',
    head:
      'This device keeps every block header. Each names the one before it by hash, and its proof of ' +
      'work stands for the difficulty in it. The newest proofs, and some older ones drawn at random, ' +
      'were checked here.',
    supplyIssued:
      'Created: 50 VLT a block, halved every 2,102,400 blocks; a trial network begins with its ' +
      'faucet’s coins. Anybody can add it up.',
    supplyHeld:
      'Held: the sum over every leaf of the state tree, whose root the block headers carry. It is what ' +
      'was created, as long as nobody broke a rule: this device added it up itself.',
    supplyNot:
      'Held needs the whole state. Until this device has that, it is not shown: a peer’s word would be ' +
      'no proof.',
    newest:
      'These are headers of the chain on this device; nobody was asked. Their times are what their ' +
      'miners wrote, within the rules’ bounds.',
    links:
      'Connections are this device’s own. A penalty counts what a peer sent against the rules: at 100 ' +
      'it is shut out for ten minutes, and a point is forgiven every 12 s.',
    waiting:
      'Transactions waiting are those in this device’s pool, each checked; others may know more.',
    peers:
      'A peer agrees when it told of the same head. Peers are not believed: what they send is checked.',
  },
  newest: {
    title: 'Newest blocks',
    block: (height: string) => `Block ${height}`,
    by: 'mined by',
    mine: 'you',
    none: 'No block yet.',
  },
  search: {
    label: 'Look something up',
    note: 'A block’s height; the id of a block or a transaction; or an address.',
    go: 'Find',
    looking: 'Looking…',
    problems: {
      LOOKUP_EMPTY: 'Enter a height, an id or an address.',
      LOOKUP_MALFORMED:
        'This is no height, no id and no address. An id has 64 digits from 0 to f; an address begins with the network’s name.',
      LOOKUP_UNKNOWN:
        'Nobody reachable knows this id on the chain this device follows. It may be of another network, or was never mined.',
      ADDRESS_CHECKSUM: 'A letter of this address is wrong, missing or moved. Copy it again.',
      ADDRESS_NETWORK: 'This address belongs to another network.',
    },
  },
  page: {
    back: 'To the network',
    looking: 'Looking for it…',
    again: 'Try again',
    code: 'code',
    noBlock: 'This block is not on the chain that this device follows.',
    noTx: 'No block and no pool within reach holds this transaction.',
    badId: 'This is no id: it should have 64 digits from 0 to f.',
    badHeight: 'This is no height and no block id.',
  },
  block: {
    title: (height: string) => `Block ${height}`,
    genesis: 'The first block',
    id: 'Id',
    previous: 'Block before',
    next: 'Block after',
    time: 'Time',
    miner: 'Paid to',
    depth: 'Blocks on top',
    work: 'Work',
    model: 'Model',
    txs: (n: string) => `Transactions: ${n}`,
    noTxs: 'None: the block pays its miner alone.',
    noBody: 'No peer within reach has its transactions any more.',
    chained:
      'Its header is one of the chain on this device, in which each names the one before it. Its MMR root commits to all blocks before it, with their work.',
    firstOne:
      'The first block follows from the network’s rules and the time in it. It has no work and no transactions.',
    checked: (linear: string, bytes: string) =>
      `Its proof of work was checked on this device: ${bytes} bytes that open one tile of linear ${linear} of the model.`,
    under: (n: string, checked: string) =>
      `Its own proof is not on this device. Blocks on top of it: ${n}. Proofs of this chain that were checked here, the newest ones and a random sample: ${checked}.`,
    body: 'Its transactions were hashed here and give the body root in the header.',
    state:
      'The state root is of the state before this block; the next header carries the one after.',
    roots: { mmr: 'MMR root', body: 'Body root', state: 'State root', digest: 'Proof digest' },
  },
  tx: {
    title: 'Transaction',
    kinds,
    waiting: 'waits for a block',
    inBlock: (height: string, index: string) => `block ${height}, place ${index}`,
    state: 'Stands in',
    depth: 'Blocks on top',
    from: 'From',
    to: 'To',
    amount: 'Amount',
    fee: 'Fee',
    memo: 'Note',
    nonce: 'Number of the sender',
    expiry: 'Valid up to block',
    bytes: (n: string) => `${n} bytes`,
    prepaid: 'Set aside',
    prepaidWith: 'Prepaid with',
    payee: 'Who is paid',
    signer: 'Key that may use it',
    prepaidFor: 'Blocks until the rest comes back',
    prepaidIn: 'Set aside in',
    used: 'Used, with the fee',
    inBody:
      'It was read from the body of its block, which hashes to the body root in a header of the chain on this device. Its id is the hash of what it says, and its signature was checked here.',
    inPool:
      'It waits in this device’s pool: its signature is right and its form is valid. No block holds it yet, and none has to.',
  },
  address: {
    title: 'Address',
    spendable: 'Spendable',
    immature: 'Maturing',
    nonce: 'Transactions sent',
    since: (block: string) => `Since block ${block}, in which it first got coins.`,
    total: 'Transactions in all',
    proven: (height: string) => `proven at block ${height}`,
    history: 'History',
    none: 'No transaction yet.',
    coinbases:
      'Pay for mined blocks, and what comes back unused after its time, are no transactions: they are in the balance alone.',
    complete: (n: string) =>
      `Complete, as the proven account counts them: ${n}. Each names the one before it.`,
    part: (some: string, all: string) =>
      `The newest ${some} of ${all}; each names the one before it, so none is missing in between.`,
    unlinked: (some: string, all: string) =>
      `${some} of ${all}. Each stands in its block, but whether others lie between was not proven.`,
    more: 'Earlier ones',
    watch: 'Keep watching it in the wallet',
    leaf: (bytes: string) =>
      `A peer, or this device’s own copy of the state, gave the account’s leaf with a proof of ${bytes} bytes. It leads to the state root that follows from the block below, whose proof of work was checked here.`,
    entries:
      'Each transaction below was read from the body of its block and checked against its header.',
  },
  report: {
    title: 'Report for bugs',
    why: 'What Pila knows of itself, to attach to a bug report. It holds no keys, no words, no addresses, no amounts, no inputs; of peers it holds how they are connected, not who or where they are. Nothing is sent: you see all of it first.',
    make: 'Make the report',
    again: 'Make it again',
    all: 'All that it holds',
    download: 'Download',
    copy: 'Copy',
    copied: 'Copied.',
    copyFailed: 'The browser did not allow copying. Select the text instead.',
  },
};
export type NetworkText = typeof network;
