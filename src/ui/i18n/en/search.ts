/** Searching one's own texts, and questions about them. */
export const search = {
  lead:
    'Put in texts of your own and find passages by what they mean. Everything is read on this device, free and ' +
    'offline; nothing leaves it.',
  noModel: 'This network has no model that compares texts yet.',
  opening: 'Looking what is kept here…',
  add: {
    title: 'Put texts in',
    drop: 'Drop texts, Markdown files or a folder here',
    files: 'Choose files',
    folder: 'Choose a folder',
    paste: 'Paste a text',
    name: 'Name',
    text: 'Text',
    pasted: 'Pasted text',
    keep: 'Put it in',
    fetched: (model: string, size: string) =>
      `${model} reads them. It is fetched once, ${size}, and stays on this device.`,
  },
  taken: {
    added: (count: string) => `Put in: ${count}.`,
    known: (count: string) => `There already: ${count}.`,
    skipped: (count: string) => `Left out, since their names say no text: ${count}.`,
    refused: (count: string) => `Not taken: ${count}.`,
  },
  progress: {
    label: 'Passages read',
    of: (done: string, all: string) => `passages read: ${done} of ${all}`,
    waiting: (texts: string) => `Texts still to be cut into passages: ${texts}`,
    stop: 'Stop',
    resume: 'Go on reading',
    rest: 'What is read is found already. The rest waits, also when you close the page.',
  },
  form: {
    query: 'What do you look for?',
    go: 'Search',
    searching: 'Searching…',
    ask: 'Ask about these texts',
    noWriter: 'A language model on this device answers questions about your texts.',
    getWriter: 'Get one under “Ask”',
    empty: 'Nothing can be found yet: put texts in first.',
    missing: 'Write what you look for.',
  },
  found: {
    title: 'Passages',
    count: (count: string) => `Found: ${count}, the most alike first`,
    none: 'Nothing found.',
    from: (name: string, at: string, of: string) => `${name}, passage ${at} of ${of}`,
    likeness: (cosine: string) => `likeness ${cosine}`,
    json: 'Save as JSON',
    csv: 'Save as CSV',
    columns: ['text', 'passage', 'likeness', 'what it says'],
    file: 'found',
    know:
      'Likeness is the cosine between the question and the passage, 1 at most, worked out here in whole numbers over ' +
      'all passages. The marked sentence is the one most like your question.',
  },
  texts: {
    title: 'Your texts',
    none: 'None yet.',
    passages: (count: string) => `passages: ${count}`,
    part: (done: string, count: string) => `passages: ${done} of ${count}`,
    waits: 'not read yet',
    all: (count: string) => `Show all ${count}`,
    askGo: 'Ask about it',
    ask: (name: string) => `Ask about ${name}`,
    go: 'Remove',
    remove: (name: string) => `Remove ${name}`,
    removed: (name: string) => `${name} is removed.`,
    takes: (count: string) => `All of them (${count}) take`,
    save: 'Save all passages as JSON',
    file: 'texts',
  },
  good: {
    title: 'What it is good for, and what it gets wrong',
    lines: [
      'It finds what says the same in other words. Of 3,000 descriptions of programs, the one asked for came first ' +
        '74 times in 100 and among the first ten 92 times; of as many entries of a dictionary, 38 and 60 times.',
      'It was made for English. In other languages it finds mostly what shares words.',
      'It reads no emoji and hardly any Thai or Hindi: they are all one unknown word to it.',
      'It always finds something: a low likeness means that nothing fits.',
      'It does not look for exact words or numbers: for those your browser’s own search is better.',
    ],
    compare:
      'To compare two texts with each other, ask this model under “Ask”, a text on each line.',
  },
};
