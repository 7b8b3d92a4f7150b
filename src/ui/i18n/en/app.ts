/** English, and the shape that every language has to fill: a missing key does not compile. */
import type { PendingTx } from '../../../client/api.ts';
import type { Tx } from '../../../core/formats.ts';
import { errors, forms } from './errors.ts';
import { inEnglish as counted } from '../plurals.ts';

/** Lines of the history by kind of transaction; a transfer's are named by its direction. */
const other: Readonly<Record<Exclude<Tx['type'], 'transfer'>, string>> = {
  channel: 'Prepaid answers',
  close: 'Answered for pay',
};

/** '': nobody can say, because nobody mines. */
const about = (span: string): string => span && ` (about ${span})`;

export const en = {
  code: 'en' as string,
  name: 'English',
  tagline: 'Your computer answers.\nThe network pays.',
  lead: 'Pila runs a small AI model on your device. The same multiplications keep a public ledger safe, and the network pays you for them.',
  what: 'What is this?',
  nav: {
    label: 'Navigation',
    pila: 'Work',
    ask: 'Ask',
    wallet: 'Wallet',
    network: 'Network',
    settings: 'Settings',
    skip: 'Skip to content',
  },
  plate: {
    pile: 'Pl. I · The pile',
    wallet: 'Pl. II · The wallet',
    settings: 'Pl. III · Settings',
    pileFigure: 'Fig. 1',
    describe: (units: string, paid: string, rejected: string) =>
      `A pile of copper and zinc discs. Runs of the model: ${units}; paid by a block of yours in the chain: ${paid}; ` +
      `did not count: ${rejected}.`,
    empty: 'One pair of discs for each run of the model',
    shelf: 'one line: 12 runs',
    legendPaid: 'paid',
    legendWaits: 'waiting for your next block',
    legendWork: 'this run',
    legendBad: 'did not count',
  },
  pila: {
    start: 'Start',
    resume: 'Resume',
    resumeNow: 'Resume now',
    pausedAt: (place: string) => `${place} (paused)`,
    pausedUntil: (time: string) => `Paused until ${time}.`,
    pausedTomorrow: (time: string) => `Paused until tomorrow, ${time}.`,
    again: 'Try again',
    pause: 'Pause',
    before: 'Before you press',
    factDownload: (size: string) => `${size} to download, once: the models and what runs them`,
    factDownloadUnknown: 'The models, and what runs them, are downloaded once',
    factUses: 'Uses your graphics card, or up to four processor cores where there is none',
    factEarns: 'It earns when it finds a block, and that is luck: soon, late, or never',
    factStop: 'Stops at once, whenever you like; closing the page stops it too',
    factAccount: 'No sign-up: your keys are made and kept on this device',
    factPower: 'It uses power: plug a laptop in',
    watch: 'Just look at a balance',
    completed: 'Runs of the model',
    rejected: 'Did not count',
    paidOf: (paid: string, all: string) => `paid: ${paid} of ${all}`,
    rate: 'Speed',
    perSecond: (_isMillions: boolean) => 'multiplications per second',
    measuring: 'measuring…',
    blocks: 'Blocks found',
    balance: 'Balance',
    notProven: 'not proven yet',
    provenAt: (height: string) => `proven at block ${height}`,
    measured: 'Measured',
    confirmed: 'Confirmed',
    sinceOpen: 'since you opened this page',
    head: 'Last block',
    headOf: (height: string, age: string) => `${height}, ${age}`,
    noHead: 'none yet',
    peers: 'Peers',
    peersAgree: (n: number, agreeing: string, all: string) =>
      counted(n, { one: `${agreeing} of ${all} agrees`, other: `${agreeing} of ${all} agree` }),
    offline: (age: string) =>
      `Offline: this is what was proven ${age}. It is proven again once a peer is reached.`,
    stale: (age: string) => `The last block came ${age}: these numbers may be out of date.`,
    nobodyMines: (age: string) => `The last block came ${age}: nobody may be mining now.`,
    startHere: 'Mine the next one here',
    model: 'Model',
    backendGpu: 'WebGPU',
    backendCpu: 'processor',
    backUp: 'Your coins depend on 24 words that you have not written down yet.',
    backUpNow: 'Write them down',
  },
  sentence: {
    off: 'Stopped. Nothing is running.',
    starting: 'Starting…',
    loading: 'Loading the model.',
    testing: 'Testing this device: its answer must be exactly right. The screen may stutter once.',
    runningGpu: 'Working on the graphics card.',
    runningCpu: 'Working on the processor.',
    held: 'On hold: nothing is running.',
    needsModel: 'Waiting for a model: without it, the blocks below cannot be checked.',
    checksBlocks: 'Checking the blocks it has built on.',
    finishing: 'Finishing this run, then it stops.',
    paused: 'Paused. What you have done stays.',
    noPeers: 'No peers: work goes on, but a block found now reaches nobody. Check the connection.',
    syncing: 'Catching up with the chain.',
    failed: 'Stopped by a problem.',
  },
  headLine: {
    offline: 'Offline',
    /** Its number follows. */
    block: 'Block',
    old: 'old',
    agree: (n: number, agreeing: string, all: string) =>
      counted(n, {
        one: `peers: ${agreeing} of ${all} agrees`,
        other: `peers: ${agreeing} of ${all} agree`,
      }),
    asking: (n: number, shown: string) =>
      counted(n, { one: 'asking the one peer', other: `asking ${shown} peers` }),
  },
  care: {
    intensity: 'Intensity',
    intensityWhy:
      'How much of the time may be spent working. It slows down by itself when the page stutters.',
    intensities: {
      25: (percent: string) => `${percent}: you should not notice it`,
      50: (percent: string) => `${percent}: quiet`,
      100: (percent: string) => `${percent}: as fast as it goes`,
    },
    reasons: {
      battery:
        'This computer is on battery. Work goes on once it is plugged in and has charged by 5%.',
      presence: 'You are here: work goes on once nobody has touched this device for a minute.',
      pressure: 'Slower for now: the processor is busy or hot.',
      frames: 'Slower for now: this page stutters.',
      hidden: 'At half speed: this tab is hidden.',
    },
    anyway: 'Continue anyway for 30 min',
  },
  conditions: {
    insecure:
      'This page’s address is not secure, so the browser lets it keep no keys and do no work. Open it with https://, or with http://localhost on the computer that serves it.',
    browserOld: (names: string) =>
      `This browser lacks what Pila needs: ${names}. Update it, or use a current Chrome, Edge, Firefox or Safari.`,
    versionOld:
      'This page is older than its network, which would refuse its work. Reload to get the new version.',
    reload: 'Reload',
    clockFast: (by: string) =>
      `This device’s clock is ${by} fast: its blocks would be refused. Set it right and reload.`,
    clockSlow: (by: string) =>
      `This device’s clock is ${by} slow: it would refuse the blocks of others. Set it right and reload.`,
    room: (size: string) =>
      `This browser gives Pila only ${size} of room, as private windows do, and those forget everything when they are closed. Use an ordinary window, or write the 24 words down at once.`,
    noFiles:
      'This window lets Pila keep no files, as private windows do, and those forget everything when they are closed. ' +
      'Use an ordinary window, or write the 24 words down at once.',
    noWebGpu:
      'This browser gives no access to the graphics card: the processor works instead, more slowly.',
    battery: 'This computer is on battery: work begins once it is plugged in.',
  },
  reasons: {
    stale: 'found too late: the chain had moved on',
    recheck: 'the check on the processor came out differently',
    refused: 'refused by the chain',
    unknown: (reason: string) => reason,
    noGpu: (why: string) => `The graphics card is not used: ${why}`,
  },
  proof: {
    title: 'How do we know?',
    balance:
      'No server was believed for this number. A peer, or this device’s own copy of all accounts, gave it with a proof. This device checked the proof against the block, and the work in that block.',
    height: 'Block',
    id: 'Block ID',
    bytes: 'Size of the proof',
    checked: 'Proofs of work checked here',
    agreeing: 'Peers with the same last block',
    time: 'Time of the block',
    rate: 'Runs and speed are counted on this device since the page was opened; the speed is that of the last runs. Nobody else has checked them.',
    rejected:
      'A run does not count only for a reason that this device saw itself: another block came first, its own check on the processor did not agree, or the rules of the chain refused the block.',
    blocks:
      'Blocks found are wins that this device made and checked. A block pays once it is in the chain, and then the runs before it count as paid.',
    immature:
      'Pay that cannot be spent yet is in the same proven account, each with the block from which it can be.',
  },
  wallet: {
    spendable: 'Spendable',
    immature: 'Not spendable yet',
    immatureWhy: (n: number, shown: string, span: string) =>
      counted(n, {
        one: `Pay for blocks you found. Locked for one more block${about(span)}.`,
        other: `Pay for blocks you found. Locked for up to ${shown} more blocks${about(span)}.`,
      }),
    receive: 'Receive',
    send: 'Send',
    faucet: 'Get trial coins',
    unlockOnce: 'Unlock the keys once.',
    unlockOnceWhy:
      'An older version of Pila stored them. Once they have been unlocked, this device can tell if somebody changes their address.',
    noKeys: 'There are no keys on this device yet.',
    noKeysWhy:
      'Your keys come from 24 words made here. They never leave this device, and nobody can give them back to you if you lose them.',
    create: 'Make new keys',
    restore: 'Restore from 24 words',
    notBackedUp:
      'Your 24 words are not written down. If this browser forgets them, the coins are gone.',
    backUp: 'Write down the words',
    locked: 'Locked: you can see the balance, but not send.',
    unlock: 'Unlock',
    lock: 'Lock',
    address: 'Your address',
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'Not copied: select the text and copy it',
    share: 'Whoever pays you must see all of these groups, in this order.',
    qr: 'QR code of your address',
    pending: 'Waiting',
    received: 'Received',
    sent: 'Sent',
    toSelf: 'To yourself',
    from: 'from',
    to: 'to',
    other,
    block: (height: string) => `block ${height}`,
    keys: 'Keys',
    words: 'The 24 words',
    protect: 'Passphrase',
    protectChange: 'Change passphrase',
    protectedYes: 'Spending needs your passphrase.',
    protectedNo: 'Anyone who uses this browser can spend. A passphrase prevents that.',
    erase: 'Erase keys',
    backedUpYes: 'Written down and checked.',
    /** Behind the block that a payment lies in. */
    notFinal: (n: number, have: string, need: string) =>
      counted(n, {
        one: 'not final yet: in no block',
        other: `not final yet: ${have} of ${need} blocks`,
      }),
    youngPayer:
      'from an account that is just as new: if the chain changes there, it has to be signed again',
    neverFinal: 'not final: newer rules may apply',
    reorganised: (n: number, shown: string) =>
      counted(n, {
        one: 'The chain changed its last block. The balance was proven again.',
        other: `The chain changed its last ${shown} blocks. The balance was proven again.`,
      }),
    pendingState: {
      pending: 'waiting for a block',
      confirmed: 'in the chain',
      expired: 'expired: nothing was paid',
      refused: 'refused: nothing was paid',
      replaced: 'replaced by another of your payments',
    } satisfies Readonly<Record<PendingTx['state'], string>>,
  },
  send: {
    title: 'Send',
    to: 'To address',
    amount: 'Amount in VLT',
    fee: 'Fee in VLT',
    available: (amount: string) => `${amount} VLT spendable`,
    all: 'Send all, less the fee',
    review: 'Review',
    confirmTitle: 'Check before you sign',
    decoded: 'This is exactly what will be signed.',
    total: 'Total',
    expiry: 'Valid until block',
    confirm: 'Sign and send',
    change: 'Change',
    done: 'Sent',
    doneWhy:
      'The network has it. It is final once it is in a block with enough others on top; follow it under “Waiting”.',
    compare: 'Compare every group with the address you were given.',
  },
  backup: {
    title: 'Write down 24 words',
    intro:
      'Take paper and a pen. Whoever has these words has your coins; without them, a lost device means lost coins. Do not photograph them.',
    show: 'Show the words',
    passphrase: 'Your passphrase',
    written: 'I have written them down',
    quizTitle: 'Check',
    question: (place: string) => `Which is word number ${place}?`,
    check: 'Check',
    done: 'Done',
    doneWhy: 'The words are right. You can send now. Keep the paper safe from fire and water.',
    back: 'Show the words again',
  },
  protect: {
    title: 'Passphrase',
    intro:
      'A passphrase encrypts the keys on this device. It does not replace the 24 words: if you forget it, they are the only way back.',
    passphrase: 'Passphrase',
    suggested: 'Pila made this one for you. Write it down, then type it in both fields:',
    suggest: 'Suggest another',
    repeat: 'Passphrase again',
    differs: 'The two are not the same.',
    show: 'Show',
    hide: 'Hide',
    where:
      'A password manager outside this browser is a good place for it. This browser is not: whoever copies its data would have both.',
    set: 'Set passphrase',
    slow: 'This takes about a second, for safety.',
    fromStart: 'If you choose one now, the keys are encrypted from the start.',
    later: 'Choose one later',
  },
  unlock: {
    first: 'Type the passphrase first.',
    title: 'Unlock',
    passphrase: 'Passphrase',
    go: 'Unlock',
  },
  restore: {
    title: 'Restore from words',
    words: '24 words',
    count: (n: string) => `${n} of 24`,
    first: 'Type the words first.',
    go: 'Restore',
  },
  erase: {
    first: 'Tick the box above first.',
    title: 'Erase keys',
    intro:
      'This deletes the keys from this device. Without the 24 words, nobody can ever move the coins again.',
    balance: (amount: string) => `${amount} VLT are on this address.`,
    sure: 'I have the 24 words, or want to give these coins up',
    go: 'Erase for good',
  },
  settings: {
    title: 'Settings',
    language: 'Language',
    theme: 'Appearance',
    themes: { auto: 'Same as the device', light: 'Light', dark: 'Dark' },
    network: 'Network',
    unlaunched: 'This is a trial network: its coins are worth nothing.',
  },
  outlook: {
    ended:
      'The rules of this network may have changed: most of the newest blocks follow rules that this version does not know. Until you update, no payment counts as final here. Your keys and coins stay as they are.',
    changing:
      'A new version of the rules is coming: some of the newest blocks follow it already. Update soon.',
    weak: 'The network has lost most of its computing power. Payments take ten times as many blocks to become final.',
  },
  update: {
    ready: 'A new version is here.',
    go: 'Restart',
    goAfter: 'Restart after this run',
  },
  common: {
    cancel: 'Cancel',
    close: 'Close',
    done: 'Done',
    dismiss: 'Dismiss',
    wait: 'One moment…',
    working: 'Working',
    framed: 'Pila does not run inside another page.',
    openOwn: 'Open it in a tab of its own',
    code: 'code',
    multiplications: (amount: string, _isMillions: boolean) => `${amount} multiplications`,
  },
  secret: {
    covered: 'Hidden, because nobody has touched anything for a while.',
    show: 'Show it again',
  },
  confirm: { soon: 'Read it first: you can press this in a moment.' },
  forms,
  errors,
};

export type Text = typeof en;
