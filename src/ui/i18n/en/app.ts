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

export const en = {
  code: 'en' as string,
  name: 'English',
  tagline: 'Your computer answers.\nThe network pays.',
  lead:
    'Pila runs a small AI model on your device. The same multiplications keep a public chain ' +
    'safe, and the chain pays you for them.',
  what: 'What is this?',
  nav: {
    label: 'Places',
    pila: 'Pile',
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
    empty: 'One pair of discs for each unit you complete',
    shelf: 'one line = 12 units',
    legendCopper: 'copper and zinc: completed',
    legendPaid: 'sealed: paid by a block of yours in the chain',
    legendWaits: 'hatched: waits for your next block',
    legendWork: 'dashed: in work',
    legendBad: 'struck out: thrown away',
  },
  pila: {
    start: 'Start',
    resume: 'Resume',
    resumeNow: 'Resume now',
    pausedUntil: (time: string) => `Paused until ${time}.`,
    pausedTomorrow: (time: string) => `Paused until tomorrow, ${time}.`,
    again: 'Try again',
    pause: 'Pause',
    before: 'Before you press',
    factDownload: (size: string) => `${size} to download, once: the models and their runtime`,
    factDownloadUnknown: 'The models and their runtime are downloaded, once',
    factUses: 'Uses your graphics card, or up to four processor cores where there is none',
    factEarns: 'It earns when it finds a block, which is chance: soon, late, or never',
    factStop: 'Stops at once, whenever you like. Closing the page stops it too',
    factAccount: 'No account: keys are made and kept on this device',
    factPower: 'It draws power: on a laptop, plug in',
    watch: 'Only look at a balance',
    completed: 'Units completed',
    rejected: 'Thrown away',
    none: 'none',
    rate: 'Rate',
    measuring: 'measuring…',
    blocks: 'Blocks found',
    balance: 'Balance',
    notProven: 'not proven yet',
    provenAt: (height: string) => `proven at block ${height}`,
    measured: 'Measured',
    confirmed: 'Confirmed',
    sinceOpen: 'since this page was opened',
    head: 'Last block',
    headOf: (height: string, age: string) => `${height}, ${age}`,
    noHead: 'none yet',
    peers: 'Peers',
    peersAgree: (n: number, agreeing: string, all: string) =>
      counted(n, { one: `${agreeing} of ${all} agrees`, other: `${agreeing} of ${all} agree` }),
    stale: (age: string) => `The last block came ${age}: these numbers may be out of date.`,
    nobodyMines: (age: string) => `The last block came ${age}: perhaps nobody is mining now.`,
    startHere: 'Mine the next one here',
    model: 'Model',
    backendGpu: 'WebGPU',
    backendCpu: 'processor',
    backUp: 'Your coins depend on 24 words you have not written down.',
    backUpNow: 'Write them down',
  },
  sentence: {
    off: 'Stopped. Nothing is running.',
    starting: 'Starting…',
    loading: 'Loading the model.',
    testing:
      'Testing the device: it must give exactly the right answer. The screen may stutter once.',
    runningGpu: 'Working on the graphics card.',
    runningCpu: 'Working on the processor.',
    held: 'Waiting: nothing is being computed.',
    needsModel: 'Waiting for a model: without it, the blocks below cannot be checked.',
    checksBlocks: 'Checking the blocks that it has built on.',
    finishing: 'Finishing the unit in work, then it stops.',
    paused: 'Paused. What you completed stays.',
    noPeers:
      'No peers: work goes on, but a block found now cannot be told to anyone. Check the ' +
      'connection.',
    syncing: 'Catching up with the chain.',
    failed: 'Stopped by a problem.',
  },
  headLine: {
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
    intensityWhy: 'How much of the time work may take. It slows by itself when the page stutters.',
    intensities: {
      25: '25 %: you should not notice it',
      50: '50 %: quiet',
      100: '100 %: as fast as it goes',
    },
    reasons: {
      battery:
        'This computer runs on battery. Work goes on once it is plugged in and has charged by 5 %.',
      pressure: 'Slower for now: the processor is busy or hot.',
      frames: 'Slower for now: this page stutters.',
      hidden: 'At half speed: this tab is hidden.',
    },
    anyway: 'Continue anyway for 30 min',
  },
  conditions: {
    insecure:
      'This page came by an insecure address, and browsers then give it no keys and no workers. ' +
      'Open it by https://, or on the computer that serves it by http://localhost.',
    browserOld: (names: string) =>
      `This browser lacks what Pila needs: ${names}. Update it, or use a current Chrome, Edge, Firefox or Safari.`,
    versionOld:
      'This page is older than its network: what it computed would be refused. Reload to get the new version.',
    reload: 'Reload',
    clockFast: (by: string) =>
      `This device’s clock is ${by} fast: its blocks would be refused. Set it right and reload.`,
    clockSlow: (by: string) =>
      `This device’s clock is ${by} slow: it would refuse the blocks of others. Set it right and reload.`,
    room: (size: string) =>
      `This browser gives Pila room for ${size} only, as private windows do, which forget everything when ` +
      'they are closed. Use an ordinary window, or write the 24 words down at once.',
    noFiles:
      'This window lets Pila keep no files, as private windows do, which forget everything when they are closed. ' +
      'Use an ordinary window, or write the 24 words down at once.',
    noWebGpu:
      'This browser gives no access to the graphics card: the processor works instead, more slowly.',
    battery: 'This computer runs on battery: work begins once it is plugged in.',
  },
  reasons: {
    stale: 'found too late: the chain had moved on',
    recheck: 'not confirmed by the check on the processor',
    refused: 'refused by the chain',
    unknown: (reason: string) => reason,
    noGpu: (why: string) => `The graphics card is not used: ${why}`,
  },
  proof: {
    title: 'How do we know?',
    balance:
      'No server told this number. A peer, or this device’s own copy of the state, gave the account ' +
      'with a proof; this device checked it against the block, and the work in the block.',
    height: 'Block',
    id: 'Block id',
    bytes: 'Size of the proof',
    checked: 'Proofs of work checked here',
    agreeing: 'Peers with the same head',
    time: 'Time of the block',
    rate:
      'Units and rate are counted on this device since the page was opened; the rate covers the ' +
      'last units. Nobody else has checked them.',
    rejected:
      'A unit counts as thrown away only for a reason this device saw itself: another block came ' +
      'first, its own check on the processor did not agree, or the chain’s rules refused the block.',
    blocks:
      'Blocks found are wins that this device made and checked. Whether the chain keeps one shows in ' +
      'the headers it checks: those of yours seal the pile, and pay.',
    immature:
      'Maturing pay is in the same proven account: each entry has the height at which it can be spent.',
  },
  wallet: {
    spendable: 'Spendable',
    immature: 'Maturing',
    immatureWhy: (n: number, shown: string) =>
      counted(n, {
        one: 'Paid for blocks you found: spendable once another block lies on top.',
        other: `Paid for blocks you found: spendable once ${shown} blocks lie on top.`,
      }),
    receive: 'Receive',
    send: 'Send',
    faucet: 'Get trial coins',
    faucetDone: 'Asked. They arrive with one of the next blocks.',
    unlockOnce: 'Unlock the keys once.',
    unlockOnceWhy:
      'An older version of Pila stored them. Once they have been opened, this device can tell whether somebody ' +
      'changed their address.',
    noKeys: 'There are no keys on this device yet.',
    noKeysWhy:
      'Keys are 24 words made here. They never leave this device, and nobody can give them back ' +
      'to you if they are lost.',
    create: 'Make new keys',
    restore: 'Restore from 24 words',
    notBackedUp:
      'Your 24 words are not written down. If this browser forgets them, the coins are gone.',
    sendAfterBackup: 'Sending opens once the words are written down.',
    backUp: 'Write down the words',
    locked: 'Locked: the balance shows, sending does not work.',
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
        one: 'not final yet: no block on top',
        other: `not final yet: ${have} of ${need} blocks`,
      }),
    youngPayer: 'from an account as new: if the chain changes there, it has to be signed again',
    neverFinal: 'not final: newer rules may hold',
    reorganised: (n: number, shown: string) =>
      counted(n, {
        one: 'The chain changed its last block. The balance was proven again.',
        other: `The chain changed its last ${shown} blocks. The balance was proven again.`,
      }),
    pendingState: {
      pending: 'waiting for a block',
      confirmed: 'in the chain',
      expired: 'ran out of time: nothing was paid',
      refused: 'refused: nothing was paid',
      replaced: 'replaced by another of yours',
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
    confirmTitle: 'Is this right?',
    decoded: 'Read by the vault from the very bytes it will sign.',
    total: 'In all',
    expiry: 'Valid until block',
    confirm: 'Sign and send',
    change: 'Change',
    done: 'Sent',
    doneWhy:
      'The network has it. It is final once it lies in a block with enough others on it; you can ' +
      'follow it under “Waiting”.',
    compare: 'Compare every group with the address you were given.',
  },
  backup: {
    title: 'Write down 24 words',
    intro:
      'Take paper and a pen. Whoever has these words has your coins; without them a lost device ' +
      'means lost coins. Do not photograph them.',
    show: 'Show the words',
    passphrase: 'Your passphrase',
    written: 'I have written them down',
    quizTitle: 'Check',
    question: (place: string) => `Which is word number ${place}?`,
    check: 'Check',
    done: 'Done',
    doneWhy:
      'The words are checked. You can send now. Keep the paper where fire and water do not ' +
      'reach it.',
    back: 'Show the words again',
  },
  protect: {
    title: 'Passphrase',
    intro:
      'A passphrase encrypts the keys on this device. It does not replace the 24 words: if you forget it, ' +
      'only they help.',
    passphrase: 'Passphrase',
    suggested: 'Pila made this one for you. Write it down before you use it:',
    suggest: 'Suggest another',
    repeat: 'The same again',
    differs: 'The two are not the same.',
    show: 'Show',
    hide: 'Hide',
    where:
      'A password manager apart from this browser is a good place for it. This browser is not: whoever copies its data would have both.',
    set: 'Set passphrase',
    slow: 'This takes a second on purpose.',
    fromStart: 'Chosen now, it seals them from the beginning.',
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
    first: 'Say so above first.',
    title: 'Erase keys',
    intro:
      'This deletes the keys from this device. Without the 24 words the coins can never be ' +
      'moved again, by anyone.',
    balance: (amount: string) => `${amount} VLT are on this address.`,
    sure: 'I have the 24 words, or want to give these coins up',
    go: 'Erase for good',
  },
  settings: {
    title: 'Settings',
    language: 'Language',
    theme: 'Appearance',
    themes: { auto: 'As the device', light: 'Paper', dark: 'Night' },
    network: 'Network',
    unlaunched: 'This is a trial network: its coins are worth nothing.',
  },
  outlook: {
    ended:
      'The rules of this network may have changed: most of its newest blocks know rules that this version doesn’t. ' +
      'No payment counts as final here until you update. Your keys and coins stay as they are.',
    changing:
      'A new version of the rules is coming: some of the newest blocks know it already. Update soon.',
    weak: 'The network has lost most of its power. Payments take ten times as many blocks to be final.',
  },
  update: {
    ready: 'A new version is here.',
    go: 'Restart',
    goAfter: 'Restart after this unit',
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
  },
  secret: {
    covered: 'The secret is covered, because nobody looked or touched anything for a while.',
    show: 'Show it again',
  },
  confirm: { soon: 'Read it first: this can be pressed in a moment.' },
  forms,
  errors,
};

export type Text = typeof en;
