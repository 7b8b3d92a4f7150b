/** Chiedere: la domanda, e ciò che dice una risposta. */
import type { AskText } from '../en/ask.ts';

export const ask: AskText = {
  title: 'Chiedi',
  plate: 'Tav. V · La domanda',
  lead:
    'Questo dispositivo esegue il modello sul tuo testo, gratis. Oppure lo fa quello di qualcun altro, pagato ' +
    'per ogni risposta con ciò che metti da parte; allora testo e risposta li vedete solo voi due.',
  noModels: 'Questa rete non ha ancora modelli a cui chiedere.',
  connecting: 'Pila cerca altri nodi…',
  form: {
    model: 'Modello',
    about: {
      lingua: 'dice la lingua di un testo, fra le 14 che conosce',
      tiny: 'un giocattolo per le prove: le sue risposte non significano nulla',
      polyglot:
        'dispone i messaggi per significato: lo stesso in un’altra di cinque lingue sta vicino',
      minilm: 'dispone i testi per significato, meglio in inglese: chi dice lo stesso sta vicino',
      smollm2:
        'un piccolo modello linguistico: risponde in inglese, scorrevole e non sempre giusto',
    },
    input: 'Testo',
    texts: 'Testi, uno per riga',
    counting: (size) =>
      `Conteggio in corso. Le parole del modello si scaricano una volta: ${size}.`,
    tokens: (texts, max, longest, most) =>
      `${texts} testi su ${max}; il più lungo ha ${longest} token su ${most}`,
    overLong: (text, tokens, most) =>
      `Il testo ${text} ha ${tokens} token, e il modello ne accetta ${most}. Niente viene tagliato: accorcialo.`,
    noTokenizer:
      'Questo modello non indica un tokenizer: può interrogarlo solo un programma che produce i token.',
    bytes: (used, max) => `${used} byte su ${max}`,
  },
  generate: {
    question: 'La tua domanda',
    others: 'Falla rispondere da qualcun altro, a pagamento',
    here: 'La risposta nasce su questo dispositivo; niente ne esce.',
    tokens: (tokens, most) => `${tokens} token su ${most}`,
    overLong: (tokens, most) =>
      `Sono ${tokens} token, e il modello ne accetta ${most}. Niente viene tagliato: accorcia il testo.`,
    go: 'Chiedi',
    stop: 'Ferma',
    fetching: 'Prima si scarica il modello…',
    loading: 'Il modello si prepara…',
    answer: 'Risposta',
    length: (tokens) => `${tokens} token`,
    pace: (tokens, perSecond) => `${tokens} token, ${perSecond} al secondo`,
    ended: {
      stop: 'La risposta è completa.',
      length:
        'La risposta finisce qui perché non può avere altri token. In «Altro» puoi concederne di più.',
      context: 'La risposta finisce qui perché domanda e risposta non hanno più posto nel modello.',
      stopped: 'Fermata.',
    },
    more: {
      title: 'Altro',
      temperature: 'Temperatura',
      topP: 'Quota delle parole più probabili (top-p)',
      maxTokens: 'Token al massimo',
      seed: 'Seme',
      notes: {
        temperature: '0: sempre la parola più probabile. Fino a 4: sempre più a caso.',
        topP: 'Da 0 a 1. Con 1 può venire ogni parola.',
        maxTokens: (context) =>
          `Un token è circa tre quarti di parola. Domanda e risposta insieme ne hanno al massimo ${context}.`,
        seed: 'Stessa domanda, stesse opzioni e stesso seme danno la stessa risposta su ogni dispositivo.',
      },
    },
    proof:
      'Questo dispositivo ha eseguito da sé il modello: a nessuno è stato chiesto, e né domanda né risposta ' +
      'ne sono uscite. Nel frattempo il lavoro ha riposato.',
    again: (seed) =>
      `Ogni parola segue da modello, domanda, opzioni e seme (${seed}) in numeri interi: chiesta di nuovo, qui o ` +
      'su un altro dispositivo, la risposta è la stessa, lettera per lettera.',
  },
  faults: {
    inputMissing: 'Scrivi qualcosa da chiedere.',
    inputLong: 'È più lungo di quanto il modello accetti. Accorcialo.',
  },
  input: {
    fromIds: 'Letto qui dai token della domanda, col tokenizer del modello.',
    idsOnly: 'Questi sono numeri di token: questo dispositivo non ha le parole del modello.',
    readWords: (size) => `Scarica le parole (${size})`,
  },
  answer: {
    cannotTell: 'Non si può dire',
    none14: 'nessuna delle 14 lingue',
    sure: (percent) => `sicuro al ${percent}`,
    guess: (label, percent) => `più probabile: ${label}, sicuro al ${percent}`,
    top: (score, next, other) => `punteggio ${score}, poi ${next} con ${other}`,
    alone: (score) => `punteggio ${score}`,
    all: 'Tutti i punteggi',
    embedding: (count) => `Embedding di ${count} numeri`,
    scale: (scale) => `Moltiplicato per ${scale} è un vettore di lunghezza 1.`,
    numbers: 'Tutti i numeri',
    alike: 'Quanto si somigliano i testi (coseno)',
    pair: (a, b) => `Testo ${a} e testo ${b}`,
    copy: 'Copia come JSON',
    copied: 'Copiato',
    notCopied: 'Non è stato possibile copiare.',
    malformed: 'Questi byte non sono una risposta di questo modello.',
  },
  proof: {
    here: 'Questo dispositivo ha eseguito da sé il modello: a nessuno è stato chiesto, e il testo è rimasto qui.',
    reading:
      'Quanto è sicuro: calcolato qui da tutti i punteggi, con la regola del modello (softmax in ' +
      'ottavi). Sotto il 50 % risponde che non si può dire.',
    embedding: 'La somiglianza è il coseno, calcolato qui dai numeri della risposta.',
  },
  old: {
    title: 'Una domanda di una catena precedente',
    why:
      'Questo link porta a una domanda che stava, con la sua risposta, in una versione precedente della ' +
      'catena. La catena è ricominciata senza di esse, quindi Pila non può più mostrarla. Ora si chiede al ' +
      'proprio dispositivo, oppure prepagando.',
    ask: 'Chiedi qualcosa',
  },
};
