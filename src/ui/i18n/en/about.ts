/** What this is, for somebody who has never heard of it. */
export const about = {
  what: {
    lead:
      'Pila is a network of people’s own devices. They run small AI models, and are paid for it in volts (VLT), ' +
      'a coin that this network makes. No company stands in the middle, and there is no account to open.',
    drawing: 'How a run becomes pay',
    describe:
      'A drawing. Left: from the newest block comes a practice text; a run of the model turns it into tickets, nearly all of them ' +
      'blank; a winning one adds a block to the chain, which pays. Right: somebody’s question goes through the same ' +
      'model and becomes an answer, for which that person pays directly. The numbers and letters are those of the lists beside it.',
    labels: {
      chain: 'the chain of blocks',
      text: 'practice text',
      question: 'a question',
      run: 'a run of the model',
      tickets: 'tickets',
      answer: 'an answer',
      block: 'a new block',
    },
    mining: 'With practice: by chance',
    steps: [
      'All payments stand in blocks that hang together as a chain. A new one comes every few seconds.',
      'From the newest block your device makes a text. Nobody can choose it, or know it beforehand.',
      'It puts that text through the whole model. That is one run: many millions of multiplications.',
      'The multiplications give tickets in a draw. Nearly all are blanks; the more you compute, the more you draw.',
      'A winning ticket lets your device add a block. It pays you; you can spend that once other blocks lie on top.',
    ],
    asking: 'With a question: for sure',
    answers: [
      'Somebody asks something and sets coins aside for it. If you want, your device answers.',
      'Whoever asked pays your device directly, for each answer. This takes no luck, and adds no block.',
    ],
    proves: 'What mining proves',
    proven: [
      'That the multiplications of this very model were done, on a text that nobody could prepare for.',
      'That every digit is right. Other devices compute a winning ticket again and refuse its block if one differs.',
      'That nobody is paid for coins they own, for who they are, or for work they left out.',
    ],
    provesNot: 'What it does not prove',
    notProven: [
      'That the practice helped anybody: nobody reads its results. It only keeps the chain safe.',
      'That a model is good, or that what it says is true. It proves only that this model says it.',
      'That you will earn. A draw can go on for hours without a win.',
      'That a coin is worth anything.',
    ],
    check: 'Whom you have to trust',
    checked:
      'Nobody, for your balance: this page checks it against the chain itself. For an answer that was paid for you have a ' +
      'signed receipt: anybody can run the same model on the same question and must get exactly the same answer.',
    start: 'To the Start button',
  },
  app: {
    title: 'About',
    text:
      'Pila is named after Volta’s pile of 1800, the first battery. Your keys, and what this app has checked, stay on ' +
      'this device. It talks only to peers of the network, to the server it came from, and to the servers of models ' +
      'that are listed above.',
    version: 'Version',
    licence: 'Licence',
    licenceWhy: 'Free software: anybody may use it, read it, change it and pass it on.',
    shipped: 'What it is built from',
    shippedLink: 'Licences of everything in it',
    shippedWhy: 'Opens in a tab of its own.',
    models: 'The models, and who made them',
    genesis: 'First block',
    know:
      'The network and its first block are named by the server of this page or, where it names none, by the first peer ' +
      'met: compare the ID with one that you trust. Every later block leads back to it, and peers with another first ' +
      'block are not followed.',
  },
};
