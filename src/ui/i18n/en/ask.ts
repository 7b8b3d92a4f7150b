/** The Ask screen and receipts. */
import type { Stage } from '../../ask/request.ts';
import type { ModelName } from '../../../client/models/networks.ts';

/** What each model of the program does. */
const about: Readonly<Record<ModelName, string>> = {
  lingua: 'names the language of a text, of 14 it knows',
  tiny: 'a toy for tests: its answers mean nothing',
  broad: 'a toy for tests, of one large file: its answers mean nothing',
  polyglot: 'places messages by meaning: the same in another of five languages lies near',
};

export const ask = {
  title: 'Ask',
  plate: 'Pl. V · The question',
  lead: 'Miners run the model on your text. The reward that you put up pays for the answer.',
  noKeys: 'Asking is paid from your keys, and there are none on this device yet.',
  toWallet: 'Make keys in the wallet',
  noModels: 'This network has no model to ask yet.',
  connecting: 'Looking for peers…',
  form: {
    model: 'Model',
    about,
    input: 'Text',
    texts: 'Texts, one on each line',
    counting: (size: string) => `Counting. The model’s words are fetched once: ${size}.`,
    tokens: (texts: string, max: string, longest: string, most: string) =>
      `${texts} of ${max} texts; the longest has ${longest} of ${most} tokens`,
    overLong: (text: string, tokens: string, most: string) =>
      `Text ${text} has ${tokens} tokens, and the model takes ${most}. Nothing is cut off: shorten it.`,
    noTokenizer: 'This model names no tokenizer: only programs that make token ids can ask it.',
    bytes: (used: string, max: string) => `${used} of ${max} bytes`,
    reward: 'Reward in VLT',
    minimum: (amount: string) => `At least ${amount} VLT, or answering pays less than mining idle.`,
    below: 'Below what pays: miners may leave it, and then it comes back to you.',
    noQuote: 'The price is known once a block is.',
    useMinimum: 'Use the least that pays',
    fee: 'Fee for the block',
    fees: { slow: 'Low', normal: 'Usual', fast: 'High' },
    lifetime: 'Stays open',
    lifetimeOf: (span: string, blocks: string) => `about ${span} (${blocks} blocks)`,
    back: 'If nobody answers, the reward comes back to you; the fee does not.',
    spendable: (amount: string) => `${amount} VLT spendable`,
    forever: 'Text and answer are public for ever.',
    foreverWhy: 'They become part of the chain. Nobody can take them out again.',
    review: 'Review',
    notProven: 'Asking opens once your balance is proven.',
    afterBackup: 'Asking opens once your 24 words are written down.',
    unlock: 'Unlock to ask',
  },
  faults: {
    inputMissing: 'Write something to ask.',
    inputLong: 'This is longer than the model takes. Shorten it.',
    rewardMalformed: 'Enter a number such as 1.25, without thousands marks.',
    rewardOver: 'Reward and fee together are more than you can spend.',
    summaryDiffers: 'The vault reads something else than you typed. Nothing was signed.',
  },
  price: {
    title: 'How do we know?',
    why:
      'No server told this price. This device worked it out from the difficulty of the last block ' +
      'and the model’s own record.',
    idle: 'An idle pass earns on average',
    credit: 'A pass on a request counts',
    creditOf: (part: string) => `${part} of it`,
    claim: 'Claiming the answer costs',
    share: 'The miner gets of the reward',
    shareOf: (part: string) => `${part}; the rest is burned`,
    minimum: 'So it pays from',
    difficulty: 'Difficulty of the last block',
    waiting: 'Requests waiting now that pay as much',
  },
  review: {
    title: 'Is this right?',
    decoded: 'Read by the vault from the very bytes it will sign.',
    ids:
      'The vault reads these token ids from the very bytes it will sign. The text above is this ' +
      'page’s reading of them.',
    idsTitle: 'Token ids',
    network: 'Network',
    total: 'In all, at most',
    lifetime: 'Stays open',
    confirm: 'Sign and ask',
    change: 'Change',
  },
  list: {
    title: 'Your requests',
    empty: 'Nothing asked from this device yet.',
  },
  stage: {
    waiting: 'waiting for a block',
    open: 'open',
    unconfirmed: 'answered, unconfirmed',
    confirmed: 'answered, confirmed',
    paid: 'paid',
    refunded: 'given back',
    dropped: 'never in a block: nothing was paid',
  } satisfies Readonly<Record<Stage, string>>,
  step: {
    label: 'How far it has come',
    waiting: 'Asked',
    open: 'In a block',
    unconfirmed: 'Answered',
    confirmed: 'Confirmed',
    paid: 'Paid',
  },
  receipt: {
    title: 'Receipt',
    back: 'Ask something',
    malformed: 'This is no request’s id: it has 64 digits and letters from a to f.',
    looking: 'Looking for this request…',
    missing: 'No request of this id is on the chain.',
    lost: 'No peer tells of this request now. Pila goes on looking.',
    input: 'Text',
    fromIds: 'Read here from the request’s token ids, with the model’s tokenizer.',
    idsOnly: 'These are token ids: this device does not have the model’s words.',
    readWords: (size: string) => `Fetch the words (${size})`,
    answer: 'Answer',
    none: 'No answer yet.',
    unconfirmed: 'Unconfirmed: a miner told it, and no block holds it yet.',
    confirmed: (height: string) => `Confirmed in block ${height}.`,
    sent: (span: string) => `It waits for a block; the next one comes in about ${span}.`,
    open: (height: string, span: string) =>
      `Open until block ${height}, about ${span} from now. Then the reward comes back.`,
    told: 'A miner has answered. It counts once a block holds it.',
    settles: (height: string, blocks: string) =>
      `Paid in block ${height}, ${blocks} to go: until then a miner who was earlier may still show it.`,
    settlesNow: 'Paid with the next block.',
    paid: (amount: string) => `${amount} VLT were paid for it. The rest of the reward is burned.`,
    refunded: (amount: string) => `Nobody answered in time: ${amount} VLT went back to the asker.`,
    dropped: 'No block took it in time, so nothing was paid.',
    payee: 'Answered by',
    asker: 'Asked by',
    model: 'Model',
    unknownModel: 'not one of this network’s',
    reward: 'Reward',
    fee: 'Fee',
    asked: 'Asked in block',
    claimed: 'Claimed in block',
    answered: 'Answered in block',
    id: 'Id of the request',
    link: 'Anyone can open this receipt and check it: copy the address of this page.',
    cannotTell: 'Can’t tell',
    none14: 'none of the 14 languages',
    sure: (percent: string) => `${percent} sure`,
    guess: (label: string, percent: string) => `likeliest: ${label}, ${percent} sure`,
    top: (score: string, next: string, other: string) =>
      `score ${score}, next ${next} with ${other}`,
    alone: (score: string) => `score ${score}`,
    all: 'All scores',
    embedding: (count: string) => `Embedding of ${count} numbers`,
    scale: (scale: string) => `Times ${scale} it is a vector of length 1.`,
    numbers: 'All numbers',
    alike: 'How alike the texts are (cosine)',
    pair: (a: string, b: string) => `Text ${a} and text ${b}`,
    copy: 'Copy as JSON',
    copied: 'Copied',
    notCopied: 'It could not be copied.',
    malformedAnswer: 'These bytes are not an answer of this model.',
  },
  rerun: {
    title: 'Check the answer',
    why: 'Run the same model on the same text here, and compare every byte.',
    size: (size: string) => `The model is downloaded once: ${size} are missing here.`,
    go: 'Re-execute here',
    running: 'Running…',
    equal: (bytes: string) => `Equal: this device computed the same ${bytes} bytes.`,
    different: 'Different: this device computed another answer.',
    again: 'Run again',
  },
  proof: {
    title: 'How do we know?',
    state:
      'The request is a leaf of the chain’s state. The leaf was proven against a block that this ' +
      'device checked; it holds the text, the reward and who will be paid.',
    closed:
      'The request’s last leaf in the chain’s state, proven against a block that this device ' +
      'checked, says who was paid.',
    blocks:
      'Request, claims and answers stand in blocks whose bodies this device checked. That there ' +
      'are no others is only told by peers.',
    peers: 'It is in no block yet: this is what this device sent or a peer told.',
    answer: (height: string) =>
      `The scores are bytes of a transaction in block ${height}, whose body this device hashed ` +
      'against its header.',
    told: 'A miner told these bytes. No block holds them yet, so nothing vouches for them.',
    reading:
      'How sure: worked out here from all the scores, by the rule of the model (softmax of eighths). ' +
      'Under 50 % it says that it can’t tell.',
    embedding: 'Likeness is the cosine, worked out here from the numbers of the answer.',
    never:
      'That the answer is what the model gives, no light check proves. Miners who have the model ' +
      'check it; so can you, with “Check the answer”.',
  },
};
