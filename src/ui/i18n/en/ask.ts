/** The Ask screen: the question, and what an answer says. */
import type { ModelName } from '../../../client/models/networks.ts';

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
  },
  generate: {
    question: 'Your question',
    others: 'Have somebody else answer, for pay',
    here: 'The answer is made on this device; nothing leaves it.',
    tokens: (tokens: string, most: string) => `${tokens} of ${most} tokens`,
    overLong: (tokens: string, most: string) =>
      `This has ${tokens} tokens, and the model takes ${most}. Nothing is cut off: shorten it.`,
    go: 'Ask',
    stop: 'Stop',
    fetching: 'The model is fetched first…',
    loading: 'The model is made ready…',
    answer: 'Answer',
    length: (tokens: string) => `${tokens} tokens`,
    pace: (tokens: string, perSecond: string) => `${tokens} tokens, ${perSecond} a second`,
    ended: {
      stop: 'The answer is complete.',
      length:
        'The answer ends here because it may have no more tokens. Under “More” you can allow more.',
      context: 'The answer ends here because question and answer have no more room in the model.',
      stopped: 'Stopped.',
    },
    more: {
      title: 'More',
      temperature: 'Temperature',
      topP: 'Share of the likeliest words (top-p)',
      maxTokens: 'Tokens at most',
      seed: 'Seed',
      notes: {
        temperature: '0: always the likeliest word. Up to 4: ever more at random.',
        topP: 'From 0 to 1. At 1 every word may come.',
        maxTokens: (context: string) =>
          `A token is some three quarters of a word. Question and answer together have at most ${context}.`,
        seed: 'The same question, options and seed give the same answer on every device.',
      },
    },
    proof:
      'This device ran the model itself: nobody was asked, and neither question nor answer left it. ' +
      'The work rested meanwhile.',
    again: (seed: string) =>
      `Each word follows from model, question, options and seed (${seed}) in whole numbers: asked again, here or ` +
      'on another device, the answer is the same, letter for letter.',
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
