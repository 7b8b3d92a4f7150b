/** The Ask screen: the question, and what an answer says. */
import type { ModelName } from '../../../client/models/networks.ts';
import { inEnglish as counted } from '../plurals.ts';

/** What each model of the program does. */
const about: Readonly<Record<ModelName | 'smollm2', string>> = {
  lingua: 'names the language of a text, of 14 it knows',
  tiny: 'a toy for testing: its answers mean nothing',
  polyglot: 'compares short texts by meaning, across five languages',
  minilm: 'compares texts by meaning, best in English',
  smollm2: 'a small language model: it answers in English, fluently but not always correctly',
};

export const ask = {
  title: 'Ask',
  plate: 'Pl. V · The question',
  lead: 'This device runs the model on your text, free. Or somebody else’s device does, and is paid for each answer from what you set aside; then only the two of you see the text and the answer.',
  places: { label: 'Ways to ask', ask: 'Ask', search: 'Search your texts' },
  /** Beside a model. */
  lately: {
    nobody: 'Nobody offers to answer with it now.',
    offered: (n: number, shown: string) =>
      counted(n, { one: 'One offers it now', other: `${shown} offer it now` }),
    from: (price: string) => `from ${price}`,
    wait: (span: string) => `the first in about ${span}`,
    /** @param cost VLT; '' where it is not known */
    last: (age: string, name: string, cost: string) =>
      `Last answered for you ${age}, by ${name}${cost && `, for ${cost} VLT`}.`,
  },
  noModels: 'This network has no model to ask yet.',
  connecting: 'Looking for peers…',
  form: {
    model: 'Model',
    about,
    input: 'Text',
    texts: 'Texts, one per line',
    counting: (size: string) => `Counting… The model’s word list is downloaded once: ${size}.`,
    tokens: (texts: string, max: string, longest: string, most: string) =>
      `texts: ${texts} of ${max}; tokens of the longest: ${longest} of ${most}`,
    overLong: (text: string, tokens: string, most: string) =>
      `Text ${text} is too long. Tokens: ${tokens}; the model takes ${most}. Nothing is cut off: shorten it.`,
    noTokenizer: 'This model comes without a word list, so only programs can ask it.',
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
    fetching: 'Downloading the model first…',
    loading: 'Getting the model ready…',
    you: 'You',
    answer: 'Answer',
    /** Of earlier questions and answers that the model is not given. */
    leavesOut: (n: number, shown: string) =>
      counted(n, {
        one: 'There is no room left for the oldest question and its answer: the model will not read them.',
        other: `There is no room left for the ${shown} oldest questions and their answers: the model will not read them.`,
      }),
    leftOut: (n: number, shown: string) =>
      counted(n, {
        one: 'There was no room for the oldest question and its answer: the model did not read them for this answer.',
        other: `There was no room for the ${shown} oldest questions and their answers: the model did not read them for this answer.`,
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
        'The answer ends here because it reached the limit of tokens. You can raise it under “More”.',
      context:
        'The answer ends here because question and answer fill all the room that the model has.',
      stopped: 'Stopped.',
      failed: 'The answer breaks off here: something went wrong.',
    },
    more: {
      title: 'More',
      system: 'Instructions for the model',
      temperature: 'Temperature',
      topP: 'Share of the likeliest words (top-p)',
      maxTokens: 'Most tokens in an answer',
      seed: 'Seed',
      notes: {
        temperature: '0: always the likeliest word. Up to 4: more and more random.',
        topP: 'From 0 to 1. At 1, any word may come.',
        maxTokens: (context: string) =>
          `A token is about three quarters of a word. Question and answer together can have at most ${context}.`,
        seed: 'If left empty, each answer gets a new one. The same conversation, options and seed give the same answer on every device.',
        system:
          'Who it should be, or how it should answer. This applies to every question of the conversation.',
      },
    },
    proof:
      'This device ran the model itself: nobody was asked, and neither question nor answer left it. Meanwhile its work rested.',
    again: (seed: string) =>
      `Each word follows exactly from model, conversation, options and seed (${seed}): asked again, here or on another device, the last answer is the same, letter for letter.`,
  },
  chats: {
    title: 'Conversations',
    none: 'None yet: the first one begins with your question.',
    new: 'New conversation',
    nameless: 'Untitled',
    takes: (kept: string, max: string, bytes: string, most: string) =>
      `${kept} of ${max} kept, ${bytes} of ${most}`,
    /** `name`: of the one that was used least lately. */
    next: (name: string) => `There is no more room: the next one replaces “${name}”.`,
    gone: (name: string) => `“${name}” made room for a newer one and is no longer kept.`,
    where:
      'Conversations are kept only in this browser: not with peers, not in a backup, not in a wallet file. “Erase everything” in the settings removes them too.',
    unkept: 'Conversations cannot be kept right now: what you see is gone when you leave.',
    lost: 'The last messages are not kept: this conversation was deleted in another tab, or has become too long.',
    full: 'This conversation is as long as one can be. Begin a new one.',
    change: 'Rename or delete',
    sheet: 'This conversation',
    name: 'Name',
    nameWhy: 'If left empty, it is named after its first words.',
    save: 'Save the name',
    remove: 'Delete it',
    good: {
      title: 'What it is good for, and what it gets wrong',
      lines: [
        'Good for fluent English: a letter, a list, a first draft. SmolLM2, the model that comes with this program, is small and hardly knows other languages.',
        'It makes things up as confidently as it tells the truth: asked for the capital of Australia, it named Canberra and then Sydney. Check what matters.',
        'It cannot calculate, and programs that it writes often do not run.',
        'In 24 test conversations, 14 answers ended by themselves; the others were cut off at their limit.',
      ],
    },
    removeWhy:
      'Its questions and answers are deleted from this device for good. Nobody else has them.',
  },
  about: {
    label: 'About my own texts',
    which: 'Which text',
    all: 'All my texts',
    gone: 'A text that is no longer here',
    none: 'There are no texts here yet.',
    put: 'Add some',
    nothing: 'Nothing can be found in these texts now: they are no longer here, or not read yet.',
    read: (count: string) => `Passages of your texts that the model read: ${count}.`,
    warning: 'It may still say things that they do not: read them yourself.',
    good: {
      title: 'What asking about texts is good for, and what it gets wrong',
      lines: [
        'Each question is looked up in your texts on its own; the model reads only the few passages most like it. Say what you mean: “and then?” finds nothing.',
        'Good for finding one passage and putting it in other words. Anything that needs the whole text, a summary or a count, goes wrong.',
        'It answers in the language of the passages as far as it can: a small model knows English best.',
      ],
    },
  },
  faults: {
    inputMissing: 'Write something to ask.',
    inputLong: 'This is longer than the model takes. Shorten it.',
  },
  input: {
    fromIds: 'Turned back into text here, with the model’s own word list.',
    idsOnly: 'These numbers stand for words: this device does not have the model’s word list.',
    readWords: (size: string) => `Download the word list (${size})`,
  },
  answer: {
    cannotTell: 'Can’t tell',
    none14: 'none of the 14 languages',
    sure: (percent: string) => `${percent} sure`,
    guess: (label: string, percent: string) => `most likely: ${label}, ${percent} sure`,
    top: (score: string, next: string, other: string) =>
      `score ${score}, next ${next} with ${other}`,
    alone: (score: string) => `score ${score}`,
    all: 'All scores',
    embedding: (count: string) => `Its meaning as numbers (embedding): ${count}`,
    scale: (scale: string) => `Multiplied by ${scale}, they are a vector of length 1.`,
    numbers: 'All numbers',
    alike: 'How alike the texts are (1: the same)',
    pair: (a: string, b: string) => `Text ${a} and text ${b}`,
    copy: 'Copy as JSON',
    copied: 'Copied',
    notCopied: 'It could not be copied.',
    malformed: 'This is not an answer of this model.',
  },
  proof: {
    here: 'This device ran the model itself: nobody was asked, and the text did not leave it.',
    reading:
      'How sure: worked out here from all the scores, by the model’s own rule (softmax of eighths). Below 50% it says that it can’t tell.',
    embedding: 'Likeness is the cosine, worked out here from the numbers of the answer.',
  },
  old: {
    title: 'A question of an earlier chain',
    why: 'This link leads to a question in an earlier version of the chain, together with its answer. The chain has started over without them, so Pila can no longer show it. Now you ask your own device, or somebody else prepaid.',
    ask: 'Ask something',
  },
};
export type AskText = typeof ask;
