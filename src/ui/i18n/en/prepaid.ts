/** Who answers: this device, or somebody prepaid; and what the settings and the Work screen say of it. */
import type { Prepaid } from '../../../client/api.ts';
import type { OpeningFault } from '../../ask/prepaid/prepaid.ts';
import { inEnglish as counted } from '../plurals.ts';

export const prepaid = {
  who: {
    title: 'Who answers',
    here: 'This device',
    free: 'It runs here, free.',
    size: (size: string) => `It runs here, free, after a download of ${size}.`,
    looking: 'Looking for devices that answer…',
    none: 'Nobody offers to answer with this model right now. Run it on this device, or look again after the next block.',
    gone: 'not offering it right now',
    told: 'Price and wait are what each of them says, signed with its key. Your question names the price, and this device pays no more than that, by its own count of what arrived.',
    paidProof: 'This device noted what it has paid as it signed it.',
    sequence: (amount: string) => `${amount} VLT a text`,
    tokens: (amount: string) => `${amount} VLT for 1,000 tokens`,
    now: 'answers at once',
    wait: (queue: string, span: string) => `${queue} before you, about ${span}`,
    paid: (amount: string) => `paid ${amount} VLT by you so far`,
    answered: (count: string) => `answers kept here: ${count}`,
    gaveNothing: 'gave no answer last time',
    instead: (name: string) =>
      `No answer came from whoever was asked; ${name} is selected now. Nothing is set aside there until you confirm.`,
    falseOnes: (count: string) =>
      `Left out, because what they sent was proven false or dishonest: ${count}`,
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
    stopWhy: 'What is being computed right now still comes and is paid for, and nothing more.',
    connecting: 'Pila is looking for peers. Until it has found one, only this device can answer.',
    offline: 'No peer is reachable, so only this device can answer. Check the connection.',
    offlineWithout:
      'No peer is reachable, and the model is not on this device yet. This device can answer once it has ' +
      'the model: check the connection.',
    short: 'What is left there does not cover this text. Set aside more to ask it.',
    less: (n: number, shown: string) =>
      counted(n, {
        one: 'What is left there pays for an answer of one token.',
        other: `What is left there pays for an answer of at most ${shown} tokens.`,
      }),
    answer: 'Answer',
    arriving: 'The answer is coming…',
  },
  open: {
    title: 'Set coins aside for answers',
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
      'To pay for answers you need keys, and there are none on this device yet. Without them, this device still answers, free.',
    toWallet: 'Make keys in the wallet',
    noCoins:
      'There are no coins to set aside yet. Work can earn some, and your wallet can receive some. Without them, this device still answers, free.',
    toWork: 'Start working',
    allowed: (allowed: string, held: string) =>
      `You allow up to ${allowed} VLT to be set aside in all; now it is ${held} VLT.`,
    toSettings: 'Change that in the settings',
  },
  faults: {
    limitMalformed: 'Enter a number such as 1.25, without thousands separators.',
    limitSmall: 'Set aside at least 0.01 VLT.',
    limitOver: 'With the fee this is more than you can spend.',
    limitRest:
      'Your account would keep less than 0.01 VLT, which would go to a miner. Set aside more or less.',
    limitForbidden: 'This is more than you allow to be set aside in all.',
    summaryDiffers: 'What would be signed is not what you chose. Nothing was signed.',
  } satisfies Readonly<Record<OpeningFault, string>>,
  review: {
    title: 'Check before you sign',
    lead: (limit: string, name: string) => `Set aside ${limit} VLT for answers of ${name}.`,
    provider: 'Key that may cash in',
    payee: 'Address that is paid',
    lifetime: 'Ends after',
    most: 'It costs you at most',
    together: 'Set aside in all, with this',
    togetherOf: (all: string, allowed: string) => `${all} of ${allowed} VLT`,
    unattended:
      'From then on this device pays for each answer out of it by itself, even while your keys are locked.',
    back: 'What you do not use comes back to you: when you stop, or by itself when the time is up. The fee does not.',
    seen: 'Everybody can see with whom you set it aside and how much of it was used, but not what you asked.',
    decoded: 'This is exactly what will be signed.',
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
    closing: 'being settled',
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
    unproven: 'No peer can prove it right now. Pila keeps asking.',
    ending: (height: string) =>
      `Too few blocks are left for another question. The rest comes back at block ${height} at the latest.`,
    closing: (height: string) =>
      `Nothing more is asked. The rest comes back once this is settled, at block ${height} at the latest.`,
    closingSoon: 'Nothing more is asked. The rest comes back once this is settled.',
    over: (used: string, back: string) => `Used ${used} VLT. ${back} VLT came back.`,
    overWhole: (back: string) => `Nobody cashed it in: ${back} VLT came back.`,
    distrusted: (height: string) =>
      'No honest program sends what came from there, so nothing more is asked. The rest ' +
      `comes back at block ${height} at the latest.`,
    distrustedSoon:
      'No honest program sends what came from there, so nothing more is asked. The rest ' +
      'comes back by itself.',
  },
  kept: {
    title: 'Answers kept here',
    empty: 'No answers yet.',
    from: 'Answered by',
    model: 'Model',
    unknownModel: 'not one of this network’s',
    time: 'Came',
    total: 'Used there so far',
    number: 'Which answer there',
    verdict: {
      unchecked: 'not checked',
      equal: 'checked here',
      false: 'false',
      agreed: 'same answer elsewhere',
      disputed: 'different answer elsewhere',
    },
    verify: 'Verify here',
    again: 'Verify again',
    verifying: 'Running the model…',
    verifyWhy: 'Runs the same model on the same text here, and compares every byte.',
    verifyTokens:
      'Runs the same model once over question and answer here, and compares every token.',
    wrong: (number: string, said: string | undefined, should: string | undefined) =>
      `The first wrong token is number ${number}: it ${said === undefined ? 'is missing' : `says “${said}”`}, ` +
      (should === undefined
        ? 'where the answer should have ended before.'
        : `where the model says “${should}”.`),
    size: (size: string) => `For that, ${size} are downloaded once.`,
    equal: 'Equal: this device computed the same answer.',
    false:
      'This answer is false: this device got another one, and the signed receipt proves who gave it. ' +
      'Pila no longer asks whoever gave it.',
    share: 'Save to share',
    link: 'Copy a link',
    copied: 'Copied',
    notCopied: 'It could not be copied.',
    shareWhy:
      'Text, answer and signed receipt, without your keys: whoever has them can verify the answer too.',
    fileName: 'pila-answer',
    signed:
      'The receipt is signed by the key above. It says that this model gave this answer to this text, and what it cost.',
    unsigned: 'The receipt does not prove that the model really answers so; “Verify here” does.',
  },
  second: {
    title: 'Have somebody else answer it too',
    why: 'Whoever runs this model on this question gets the same answer. Somebody else is asked too, and the two answers are compared.',
    go: (name: string, amount: string) => `Ask ${name}, for at most ${amount} VLT`,
    next: 'If nothing comes, or a different answer, the next one with whom you have set coins aside is asked, at no higher price: three at most.',
    aside: (name: string, amount: string) =>
      `${name} answers it for at most ${amount} VLT. Set coins aside there first.`,
    asking: (name: string) => `${name} answers the same question…`,
    none: 'Nobody else offers to answer with this model right now.',
    same: (name: string) => `Equal: ${name} gave the same answer.`,
    other: (name: string) => `${name} gave a different answer.`,
    otherFrom: (name: string, number: string, said: string, theirs: string) =>
      `${name} gave a different answer: the first token that differs is number ${number}, which says “${said}” here ` +
      `and “${theirs}” there.`,
    shorter: (name: string, number: string) =>
      `${name} gave the same answer, but it ends before token number ${number}.`,
    open: 'One of the two is false. Another answer would show which is more likely; “Verify here” proves it.',
    against: (names: string) =>
      `${names} agree on a different answer, so this one is probably false. “Verify here” proves it.`,
    failed: (name: string) => `${name} gave no answer to compare.`,
    proof:
      'The answers were compared here, byte by byte, and each has its own signed receipt. Two keys may belong to one person, so nobody is left out because of what others said: only the model, run here, proves an answer.',
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
    why: 'How much may be set aside for answers in all. Whoever gets hold of this device could spend that much, even while your keys are locked, but no more.',
    label: 'At most in all, in VLT',
    save: 'Set',
    saved: 'Set.',
    locked: 'Unlock the keys to change it.',
    malformed: 'Enter a number such as 1.25, without thousands separators.',
  },
  provide: {
    title: 'Answer for pay',
    label: 'Answer other people’s questions while this device works',
    why: 'Your device runs the model on their texts, and they pay you. It sees those texts; nobody else does.',
    on: 'Answering is on.',
    answered: 'Answered',
    earned: 'Earned by answering',
    last: 'Last answer',
    mined: 'Earned by blocks',
    proof: [
      'By blocks: the pay for your blocks in the checked chain.',
      'By answering: what askers have signed for so far. It is in your balance once it is cashed in, which this device does by itself in time.',
    ],
    none: 'Nobody has asked yet.',
    price: 'Price of 1,000 tokens, in VLT',
    priceWhy:
      'If left empty, it is what this device would earn by mining in the same time, as the network is now. A token is about three quarters of a word; four tokens of the question count as one.',
    priceMalformed: 'Enter a number such as 1.25, without thousands separators, or leave it empty.',
    priceSave: 'Set the price',
    priceSaved: 'Set. It applies to questions from now on.',
  },
};
export type PrepaidText = typeof prepaid;
