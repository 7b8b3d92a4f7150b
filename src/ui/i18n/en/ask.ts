/** The Ask screen: the question, and what an answer says. */
import type { ModelName } from '../../../client/models/networks.ts';
import { inEnglish as counted } from '../plurals.ts';

/** What each model of the program does. */
const about: Readonly<Record<ModelName | 'smollm2', string>> = {
  lingua: 'names the language of a text, of 14 it knows',
  tiny: 'a toy for tests: its answers mean nothing',
  polyglot: 'places messages by meaning: the same in another of five languages lies near',
  minilm: 'places texts by meaning, in English best: what says the same lies near',
  smollm2: 'a small language model: it answers in English, fluently and not always rightly',
};

export const ask = {
  title: 'Ask',
  plate: 'Pl. V · The question',
  lead:
    'This device runs the model on your text, free. Or somebody else’s does, and is paid for each answer ' +
    'out of what you set aside; then only the two of you see text and answer.',
  places: { label: 'Ways to ask', ask: 'Ask', search: 'Search your texts' },
  noModels: 'This network has no model to ask yet.',
  connecting: 'Looking for peers…',
  form: {
    model: 'Model',
    about,
    input: 'Text',
    texts: 'Texts, one on each line',
    counting: (size: string) => `Counting. The model’s words are fetched once: ${size}.`,
    tokens: (texts: string, max: string, longest: string, most: string) =>
      `texts: ${texts} of ${max}; tokens of the longest: ${longest} of ${most}`,
    overLong: (text: string, tokens: string, most: string) =>
      `Text ${text} is too long. Tokens: ${tokens}; the model takes ${most}. Nothing is cut off: shorten it.`,
    noTokenizer: 'This model names no tokenizer: only programs that make token ids can ask it.',
    bytes: (used: string, max: string) => `${used} of ${max} bytes`,
  },
  generate: {
    question: 'Your question',
    others: 'Have somebody else answer, for pay',
    here: 'The answer is made on this device; nothing leaves it.',
    tokens: (tokens: string, most: string) => `tokens: ${tokens} of ${most}`,
    overLong: (tokens: string, most: string) =>
      `This is too long. Tokens: ${tokens}; the model takes ${most}. Nothing is cut off: shorten it.`,
    go: 'Ask',
    stop: 'Stop',
    fetching: 'The model is fetched first…',
    loading: 'The model is made ready…',
    you: 'You',
    answer: 'Answer',
    /** Of earlier questions and answers that the model is not given. */
    leavesOut: (n: number, shown: string) =>
      counted(n, {
        one: 'The oldest question and its answer have no room beside it: the model will not read them.',
        other: `The ${shown} oldest questions and their answers have no room beside it: the model will not read them.`,
      }),
    leftOut: (n: number, shown: string) =>
      counted(n, {
        one: 'The oldest question and its answer had no room: the model did not read them for this answer.',
        other: `The ${shown} oldest questions and their answers had no room: the model did not read them for this answer.`,
      }),
    unanswered: 'No answer came. Ask again, or go on.',
    another: 'Another answer',
    copy: 'Copy',
    copied: 'Copied',
    notCopied: 'It could not be copied.',
    seeded: (seed: string) => `seed ${seed}`,
    length: (n: number, shown: string) => counted(n, { one: '1 token', other: `${shown} tokens` }),
    pace: (length: string, perSecond: string) => `${length}, ${perSecond} a second`,
    ended: {
      stop: 'The answer is complete.',
      length:
        'The answer ends here because it may have no more tokens. Under “More” you can allow more.',
      context: 'The answer ends here because question and answer have no more room in the model.',
      stopped: 'Stopped.',
      failed: 'The answer breaks off here: something went wrong.',
    },
    more: {
      title: 'More',
      system: 'What the model is told first',
      temperature: 'Temperature',
      topP: 'Share of the likeliest words (top-p)',
      maxTokens: 'Tokens at most',
      seed: 'Seed',
      notes: {
        temperature: '0: always the likeliest word. Up to 4: ever more at random.',
        topP: 'From 0 to 1. At 1 every word may come.',
        maxTokens: (context: string) =>
          `A token is some three quarters of a word. Question and answer together have at most ${context}.`,
        seed:
          'Left empty, each answer has another one. The same conversation, options and seed give the same answer ' +
          'on every device.',
        system:
          'Who it is to be, or how to answer. It stands before all questions of this conversation.',
      },
    },
    proof:
      'This device ran the model itself: nobody was asked, and neither question nor answer left it. ' +
      'The work rested meanwhile.',
    again: (seed: string) =>
      `Each word follows from model, conversation, options and seed (${seed}) in whole numbers: asked again, here ` +
      'or on another device, the last answer is the same, letter for letter.',
  },
  chats: {
    title: 'Conversations',
    none: 'None yet: the first begins with your question.',
    new: 'New conversation',
    nameless: 'Without words',
    takes: (kept: string, max: string, bytes: string, most: string) =>
      `${kept} of ${max} kept, ${bytes} of ${most}`,
    /** `name`: of the one that was used least lately. */
    next: (name: string) => `There is no more room: the next one takes the place of “${name}”.`,
    gone: (name: string) => `“${name}” made room for a newer one, and is not kept any more.`,
    where:
      'Conversations are kept in this browser alone: no peer, no backup and no file of the wallet holds them. ' +
      '“Erase everything” in the settings removes them too.',
    unkept: 'Conversations cannot be kept now: what you see goes when you leave.',
    lost: 'What was said last is not kept: this conversation was deleted in another tab, or has become too long.',
    full: 'This conversation is as long as one can be. Begin a new one.',
    change: 'Rename or delete',
    sheet: 'This conversation',
    name: 'Name',
    nameWhy: 'Left empty, it is called by its first words.',
    save: 'Save the name',
    remove: 'Delete it',
    good: {
      title: 'What it is good for, and what it gets wrong',
      lines: [
        'Good for English that flows: a letter, a list, a first draft. SmolLM2, the model named with this program, is a ' +
          'small one and hardly knows other languages.',
        'It makes things up in the same tone as what is true: asked for the capital of Australia, it named Canberra ' +
          'and then Sydney. Check what matters.',
        'It does not calculate, and programs that it writes often do not run.',
        'Of 24 test conversations, 14 answers came to an end of their own; the others were cut at their limit.',
      ],
    },
    removeWhy: 'Its questions and answers go from this device for good. Nobody else has them.',
  },
  about: {
    label: 'About my own texts',
    which: 'Which text',
    all: 'All my texts',
    gone: 'A text that is not here any more',
    none: 'No texts are here yet.',
    put: 'Put some in',
    nothing:
      'Of these texts nothing can be found now: they are not here any more, or not read yet.',
    read: (count: string) => `Passages of your texts that the model read: ${count}.`,
    warning: 'It may still say what they do not: read them yourself.',
    good: {
      title: 'What asking about texts is good for, and what it gets wrong',
      lines: [
        'Each question is looked up in your texts by itself; the model reads the few passages most like it, not the ' +
          'whole text. Name what you mean: “and then?” finds nothing.',
        'Good for finding and retelling one place. Whatever needs the whole text, a summary or a count, goes wrong.',
        'It answers in the language of the passages as far as it can: a small model knows English best.',
      ],
    },
  },
  faults: {
    inputMissing: 'Write something to ask.',
    inputLong: 'This is longer than the model takes. Shorten it.',
  },
  input: {
    fromIds: 'Read here from the question’s token ids, with the model’s tokenizer.',
    idsOnly: 'These are token ids: this device does not have the model’s words.',
    readWords: (size: string) => `Fetch the words (${size})`,
  },
  answer: {
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
    malformed: 'These bytes are not an answer of this model.',
  },
  proof: {
    here: 'This device ran the model itself: nobody was asked, and the text did not leave it.',
    reading:
      'How sure: worked out here from all the scores, by the rule of the model (softmax of eighths). ' +
      'Under 50 % it says that it can’t tell.',
    embedding: 'Likeness is the cosine, worked out here from the numbers of the answer.',
  },
  old: {
    title: 'A question of an earlier chain',
    why:
      'This link leads to a question that stood in an earlier version of the chain, together with its ' +
      'answer. The chain began anew without them, so Pila can no longer show it. Questions are now asked ' +
      'on your own device, or prepaid.',
    ask: 'Ask something',
  },
};
export type AskText = typeof ask;
