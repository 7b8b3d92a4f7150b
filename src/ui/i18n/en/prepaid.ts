/** Who answers: this device, or somebody prepaid; and what the settings and the Work screen say of it. */
import type { Prepaid } from '../../../client/api.ts';
import type { OpeningFault } from '../../ask/prepaid/prepaid.ts';
import { inEnglish as counted } from '../plurals.ts';

export const prepaid = {
  who: {
    title: 'Who answers',
    here: 'This device',
    free: 'It runs here, free.',
    size: (size: string) => `It runs here, free, once ${size} are downloaded.`,
    looking: 'Looking for devices that answer…',
    none:
      'Nobody offers to answer with this model now. Run it on this device, or look again after the next ' +
      'block.',
    gone: 'does not offer it now',
    told:
      'Price and wait are what each of them says, signed by its key. Your question names the price, and this ' +
      'device pays no more than that, by its own count of what came.',
    paidProof: 'What was paid from here this device wrote down as it signed it.',
    sequence: (amount: string) => `${amount} VLT a text`,
    tokens: (amount: string) => `${amount} VLT for 1,000 tokens`,
    now: 'answers at once',
    wait: (queue: string, span: string) => `${queue} before you, about ${span}`,
    paid: (amount: string) => `paid ${amount} VLT from here so far`,
    answered: (count: string) => `answers kept here: ${count}`,
    gaveNothing: 'gave nothing when asked last',
    instead: (name: string) =>
      `Whoever was asked gave nothing; ${name} is chosen now. Nothing is set aside with the next one before you confirm.`,
    falseOnes: (count: string) =>
      `Left out, because what they gave here was proven false or dishonest: ${count}`,
  },
  ask: {
    go: 'Ask',
    here: 'Run it here',
    running: 'Running…',
    most: (amount: string) => `Costs at most ${amount} VLT.`,
    reads: 'The one who answers reads it; nobody else does.',
    longer: (tokens: string, times: string) =>
      `A text with more tokens than ${tokens} costs more: here each costs ${times} times as much.`,
    used: (name: string, limit: string, used: string) =>
      `Prepaid with ${name}: ${limit} VLT, ${used} used`,
    waits: 'You can ask already; whoever answers may wait for a block first.',
    allUsed: 'All used. Set aside more to go on.',
    busy: 'A question is being answered.',
    stop: 'Stop',
    stopWhy: 'What is being made still comes and is paid, and no more.',
    connecting: 'Pila is looking for peers. Until it has found one, only this device can answer.',
    offline: 'No peer is reachable, so only this device can answer. Check the connection.',
    offlineWithout:
      'No peer is reachable, and the model is not on this device yet. This device can answer once it has ' +
      'the model: check the connection.',
    short: 'What is left there does not pay for this text. Set aside more to ask it.',
    less: (n: number, shown: string) =>
      counted(n, {
        one: 'What is left there pays for an answer of one token.',
        other: `What is left there pays for an answer of at most ${shown} tokens.`,
      }),
    answer: 'Answer',
    arriving: 'The answer is coming…',
  },
  open: {
    title: 'Set something aside for answers',
    why: 'You pay once. Each answer uses a part of it. What is left comes back to you.',
    limit: 'Set aside, in VLT',
    spendable: (amount: string) => `${amount} VLT spendable`,
    lifetime: 'For at most',
    lifetimeOf: (n: number, shown: string, span: string) =>
      counted(n, { one: `1 block (about ${span})`, other: `${shown} blocks (about ${span})` }),
    review: 'Review',
    unlock: 'Unlock to set aside',
    notProven: 'You can set coins aside once your balance is proven.',
    afterBackup: 'You can set coins aside once your 24 words are written down.',
    noKeys:
      'Whoever answers is paid from your keys, and there are none on this device yet. This device answers ' +
      'without them, free.',
    toWallet: 'Make keys in the wallet',
    noCoins:
      'There are no coins to set aside yet. Work earns some, and your wallet can receive some. This device ' +
      'answers without them, free.',
    toWork: 'Start working',
    allowed: (allowed: string, held: string) =>
      `You allow ${allowed} VLT in all to be set aside; ${held} VLT are.`,
    toSettings: 'Change that in the settings',
  },
  faults: {
    limitMalformed: 'Enter a number such as 1.25, without thousands marks.',
    limitSmall: 'Set aside at least 0.01 VLT.',
    limitOver: 'With the fee this is more than you can spend.',
    limitRest:
      'Your account would keep less than 0.01 VLT, which would go to a miner. Set aside more or less.',
    limitForbidden: 'This is more than you allow to be set aside in all.',
    summaryDiffers: 'The vault reads something else than you chose. Nothing was signed.',
  } satisfies Readonly<Record<OpeningFault, string>>,
  review: {
    title: 'Is this right?',
    lead: (limit: string, name: string) => `Set aside ${limit} VLT for answers of ${name}.`,
    provider: 'Key that may cash in',
    payee: 'Address that is paid',
    lifetime: 'Ends after',
    most: 'It costs you at most',
    together: 'Set aside in all, then',
    togetherOf: (all: string, allowed: string) => `${all} of ${allowed} VLT`,
    unattended:
      'From then on this device pays for each answer out of it by itself, also while the keys are locked.',
    back: 'What was not used comes back to you: when you close it, or by itself when it ends. The fee does not.',
    seen: 'Everybody can see with whom you set it aside, and what it came to; not what you asked.',
    decoded: 'Read by the vault from the very bytes it will sign.',
    confirm: 'Sign and set aside',
    change: 'Change',
  },
  list: {
    title: 'Prepaid',
    empty: 'Nothing is set aside for answers.',
    used: (limit: string, used: string) => `${limit} VLT, ${used} used`,
    answers: (count: string) => `Answers: ${count}.`,
    close: 'Stop and get the rest back',
  },
  state: {
    waiting: 'waits for a block',
    open: 'open',
    ending: 'ends soon',
    closing: 'closing',
    over: 'ended',
    distrusted: 'no longer used',
  } satisfies Readonly<Record<Prepaid['state'], string>>,
  about: {
    waiting: (n: number, shown: string, span: string) =>
      counted(n, {
        one: `Ready in one block (about ${span}).`,
        other: `Ready in ${shown} blocks (about ${span}).`,
      }),
    open: (left: string, when: string) => `${left} VLT left, until ${when}.`,
    unproven: 'No peer proves it at this moment. Pila keeps asking.',
    ending: (height: string) =>
      `Too few blocks are left for another question. The rest comes back at block ${height} at the latest.`,
    closing: (height: string) =>
      `Nothing more is asked. The rest comes back with the close, at block ${height} at the latest.`,
    closingSoon: 'Nothing more is asked. The rest comes back with the close.',
    over: (used: string, back: string) => `Used ${used} VLT. ${back} VLT came back.`,
    overWhole: (back: string) => `Nobody cashed it in: ${back} VLT came back.`,
    distrusted: (height: string) =>
      'What came from there is nothing that an honest program sends, so nothing more is asked. The rest ' +
      `comes back at block ${height} at the latest.`,
    distrustedSoon:
      'What came from there is nothing that an honest program sends, so nothing more is asked. The rest ' +
      'comes back by itself.',
  },
  kept: {
    title: 'Answers kept here',
    empty: 'No answers yet.',
    from: 'Answered by',
    model: 'Model',
    unknownModel: 'not one of this network’s',
    time: 'Came',
    total: 'In all, for answers there',
    number: 'Number there',
    verdict: {
      unchecked: 'not checked',
      equal: 'checked here',
      false: 'false',
      agreed: 'the same elsewhere',
      disputed: 'another one elsewhere',
    },
    verify: 'Verify here',
    again: 'Verify again',
    verifying: 'Running the model…',
    verifyWhy: 'Runs the same model on the same text here, and compares every byte.',
    verifyTokens:
      'Goes once through question and answer here with the same model, and compares every token.',
    wrong: (number: string, said: string | undefined, should: string | undefined) =>
      `The first wrong token is number ${number}: it ${said === undefined ? 'is missing' : `says “${said}”`}, ` +
      (should === undefined
        ? 'where the answer should have ended before.'
        : `where the model says “${should}”.`),
    size: (size: string) => `${size} are downloaded for that, once.`,
    equal: 'Equal: this device computed the same answer.',
    false:
      'This answer is false: this device computed another one, and the signed receipt proves who gave it. ' +
      'Pila no longer asks whoever gave it.',
    share: 'Save to share',
    link: 'Copy a link',
    copied: 'Copied',
    notCopied: 'It could not be copied.',
    shareWhy:
      'Text, answer and signed receipt, without your keys: whoever has them can verify the answer too.',
    fileName: 'pila-answer',
    signed:
      'The receipt is signed by the key above. It says that this answer was given to this text by this ' +
      'model, and what it came to.',
    unsigned:
      'That the answer is what the model gives, the receipt does not prove; “Verify here” does.',
  },
  second: {
    title: 'Have somebody else answer it too',
    why:
      'Whoever runs this model on this question gets the same answer. Somebody else is asked the same, and the ' +
      'two answers are compared.',
    go: (name: string, amount: string) => `Ask ${name}, for at most ${amount} VLT`,
    next:
      'Where nothing comes, or another answer, the next one is asked with whom something is set aside, at no ' +
      'higher price: three at most.',
    aside: (name: string, amount: string) =>
      `${name} answers it for at most ${amount} VLT. Something has to be set aside there first.`,
    asking: (name: string) => `${name} answers the same question…`,
    none: 'Nobody else offers to answer with this model now.',
    same: (name: string) => `Equal: ${name} gave the same answer.`,
    other: (name: string) => `${name} gave another answer.`,
    otherFrom: (name: string, number: string, said: string, theirs: string) =>
      `${name} gave another answer: the first token that differs is number ${number}, which says “${said}” here ` +
      `and “${theirs}” there.`,
    shorter: (name: string, number: string) =>
      `${name} gave the same, but nothing from token number ${number} on.`,
    open: 'One of them is false. Somebody else’s answer makes it likely which; “Verify here” proves it.',
    against: (names: string) =>
      `${names} gave the same other answer, so this one is likely to be false. “Verify here” proves it.`,
    failed: (name: string) => `${name} gave no answer to compare.`,
    proof:
      'The answers were compared here, byte by byte, and each has its own signed receipt. Two keys may be one ' +
      'person’s, so nobody is left out because of what others said: only the model, run here, proves an answer.',
  },
  shared: {
    title: 'A shared answer',
    open: 'Open a shared answer',
    choose: 'File of a shared answer',
    looking: 'Checking its receipt…',
    good: 'Its receipt is signed, and belongs to this text and this answer.',
    back: 'Ask something',
  },
  limit: {
    title: 'Prepaid answers',
    why:
      'What may be set aside for answers in all. Whoever gets hold of this device could spend that much, ' +
      'also while the keys are locked, and no more.',
    label: 'In all at most, in VLT',
    save: 'Set',
    saved: 'Set.',
    locked: 'Unlock the keys to change it.',
    malformed: 'Enter a number such as 1.25, without thousands marks.',
  },
  provide: {
    title: 'Answer for pay',
    label: 'Answer questions of others while this device works',
    why:
      'Your device runs the model on their texts, and they pay to your address. It sees those texts; ' +
      'nobody else does.',
    on: 'Answering is on.',
    answered: 'Answered',
    earned: 'Earned by answering',
    mined: 'Earned by blocks',
    proof: [
      'By blocks: the subsidy of blocks of yours among the checked headers.',
      'By answering: what askers have signed for so far. It is on your balance once it was cashed in, which ' +
        'this device does by itself before it ends.',
    ],
    none: 'Nobody has asked yet.',
    price: 'Price of 1,000 tokens, in VLT',
    priceWhy:
      'Left empty, it is what this device would earn by mining in the time, as the network is now. A token is ' +
      'some three quarters of a word; four tokens of the question count as one.',
    priceMalformed: 'Enter a number such as 1.25, without thousands marks, or nothing.',
    priceSave: 'Set the price',
    priceSaved: 'Set: who asks from now on reads it.',
  },
};
export type PrepaidText = typeof prepaid;
