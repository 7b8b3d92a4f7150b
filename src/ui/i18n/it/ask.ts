/** Chiedere, e le ricevute. */
import type { ask as english } from '../en/ask.ts';

export const ask: typeof english = {
  title: 'Chiedi',
  plate: 'Tav. V · La domanda',
  lead: 'I minatori danno il tuo testo al modello. Il compenso che offri paga la risposta.',
  noKeys: 'Chiedere si paga con le tue chiavi, e su questo dispositivo non ce ne sono ancora.',
  toWallet: 'Crea le chiavi nel portafoglio',
  noModels: 'Questa rete non ha ancora modelli a cui chiedere.',
  connecting: 'Cerco altri pari…',
  form: {
    model: 'Modello',
    about: {
      lingua: 'dice la lingua di un testo, fra le 14 che conosce',
      tiny: 'un giocattolo per le prove: le sue risposte non significano nulla',
      broad:
        'un giocattolo per le prove, con un file grande: le sue risposte non significano nulla',
      polyglot:
        'dispone i messaggi per significato: lo stesso in un’altra di cinque lingue sta vicino',
    },
    input: 'Testo',
    texts: 'Testi, uno per riga',
    counting: (size) => `Conto. Le parole del modello si scaricano una volta: ${size}.`,
    tokens: (texts, max, longest, most) =>
      `${texts} testi su ${max}; il più lungo ha ${longest} token su ${most}`,
    overLong: (text, tokens, most) =>
      `Il testo ${text} ha ${tokens} token, e il modello ne accetta ${most}. Niente viene tagliato: accorcialo.`,
    noTokenizer:
      'Questo modello non indica un tokenizer: può interrogarlo solo un programma che produce i token.',
    bytes: (used, max) => `${used} byte su ${max}`,
    reward: 'Compenso in VLT',
    minimum: (amount) => `Almeno ${amount} VLT, o rispondere rende meno che minare a vuoto.`,
    below: 'Meno di quanto conviene: può restare senza risposta, e allora torna a te.',
    noQuote: 'Il prezzo si sa appena si conosce un blocco.',
    useMinimum: 'Usa il minimo che conviene',
    fee: 'Costo per il blocco',
    fees: { slow: 'Basso', normal: 'Solito', fast: 'Alto' },
    lifetime: 'Resta aperta',
    lifetimeOf: (span, blocks) => `circa ${span} (${blocks} blocchi)`,
    back: 'Se nessuno risponde, il compenso torna a te; il costo no.',
    spendable: (amount) => `${amount} VLT spendibili`,
    forever: 'Testo e risposta restano pubblici per sempre.',
    foreverWhy: 'Diventano parte della catena. Nessuno potrà più toglierli.',
    review: 'Controlla',
    notProven: 'Potrai chiedere quando il tuo saldo sarà dimostrato.',
    afterBackup: 'Potrai chiedere quando avrai scritto le tue 24 parole.',
    unlock: 'Sblocca per chiedere',
  },
  faults: {
    inputMissing: 'Scrivi qualcosa da chiedere.',
    inputLong: 'È più lungo di quanto il modello accetti. Accorcialo.',
    rewardMalformed: 'Scrivi un numero come 1,25, senza separatori delle migliaia.',
    rewardOver: 'Compenso e costo insieme superano quanto puoi spendere.',
    summaryDiffers:
      'La cassaforte legge qualcosa di diverso da ciò che hai scritto. Niente è firmato.',
  },
  price: {
    title: 'Come lo so?',
    why:
      'Nessun server ha detto questo prezzo. Questo dispositivo lo ha calcolato dalla difficoltà ' +
      'dell’ultimo blocco e dalla scheda del modello.',
    idle: 'Un passo a vuoto rende in media',
    credit: 'Un passo su una richiesta vale',
    creditOf: (part) => `${part} di quello`,
    claim: 'Rivendicare la risposta costa',
    share: 'Del compenso al minatore va',
    shareOf: (part) => `${part}; il resto è bruciato`,
    minimum: 'Quindi conviene da',
    difficulty: 'Difficoltà dell’ultimo blocco',
    waiting: 'Richieste in attesa che pagano altrettanto',
  },
  review: {
    title: 'È giusto?',
    decoded: 'Letto dalla cassaforte proprio nei byte che firmerà.',
    ids:
      'La cassaforte legge questi token proprio nei byte che firmerà. Il testo qui sopra è come li ' +
      'legge questa pagina.',
    idsTitle: 'Numeri dei token',
    network: 'Rete',
    total: 'In tutto, al massimo',
    lifetime: 'Resta aperta',
    confirm: 'Firma e chiedi',
    change: 'Cambia',
  },
  list: {
    title: 'Le tue richieste',
    empty: 'Da questo dispositivo non hai ancora chiesto nulla.',
  },
  stage: {
    waiting: 'aspetta un blocco',
    open: 'aperta',
    unconfirmed: 'risposta non confermata',
    confirmed: 'risposta confermata',
    paid: 'pagata',
    refunded: 'restituita',
    dropped: 'mai in un blocco: nulla è stato pagato',
  },
  step: {
    label: 'A che punto è',
    waiting: 'Chiesta',
    open: 'In un blocco',
    unconfirmed: 'Risposta',
    confirmed: 'Confermata',
    paid: 'Pagata',
  },
  receipt: {
    title: 'Ricevuta',
    back: 'Chiedi qualcosa',
    malformed: 'Non è il codice di una richiesta: ha 64 cifre e lettere dalla a alla f.',
    looking: 'Cerco questa richiesta…',
    missing: 'Sulla catena non c’è nessuna richiesta con questo codice.',
    lost: 'Ora nessun pari sa di questa richiesta. Pila continua a cercare.',
    input: 'Testo',
    fromIds: 'Letto qui dai token della richiesta, col tokenizer del modello.',
    idsOnly: 'Questi sono numeri di token: questo dispositivo non ha le parole del modello.',
    readWords: (size) => `Scarica le parole (${size})`,
    answer: 'Risposta',
    none: 'Ancora nessuna risposta.',
    unconfirmed: 'Non confermata: l’ha detta un minatore, e nessun blocco la contiene ancora.',
    confirmed: (height) => `Confermata nel blocco ${height}.`,
    sent: (span) => `Aspetta un blocco; il prossimo arriva fra circa ${span}.`,
    open: (height, span) =>
      `Aperta fino al blocco ${height}, per circa ${span}. Poi il compenso torna indietro.`,
    told: 'Un minatore ha risposto. Vale quando un blocco la contiene.',
    settles: (height, blocks) =>
      `Pagata nel blocco ${height}, ne mancano ${blocks}: fino ad allora chi era arrivato prima può ancora mostrarla.`,
    settlesNow: 'Pagata col prossimo blocco.',
    paid: (amount) => `Pagati ${amount} VLT. Il resto del compenso è bruciato.`,
    refunded: (amount) =>
      `Nessuno ha risposto in tempo: ${amount} VLT sono tornati a chi ha chiesto.`,
    dropped: 'Nessun blocco l’ha presa in tempo: nulla è stato pagato.',
    payee: 'Ha risposto',
    asker: 'Ha chiesto',
    model: 'Modello',
    unknownModel: 'nessuno di questa rete',
    reward: 'Compenso',
    fee: 'Costo',
    asked: 'Chiesta nel blocco',
    claimed: 'Rivendicata nel blocco',
    answered: 'Risposta nel blocco',
    id: 'Codice della richiesta',
    link: 'Chiunque può aprire questa ricevuta e controllarla: copia l’indirizzo di questa pagina.',
    cannotTell: 'Non so dirlo',
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
    malformedAnswer: 'Questi byte non sono una risposta di questo modello.',
  },
  rerun: {
    title: 'Controlla la risposta',
    why: 'Esegui qui lo stesso modello sullo stesso testo, e confronta ogni byte.',
    size: (size) => `Il modello si scarica una volta: qui mancano ${size}.`,
    go: 'Riesegui qui',
    running: 'In esecuzione…',
    equal: (bytes) => `Uguale: questo dispositivo ha calcolato gli stessi ${bytes} byte.`,
    different: 'Diversa: questo dispositivo ha calcolato un’altra risposta.',
    again: 'Esegui di nuovo',
  },
  proof: {
    title: 'Come lo so?',
    state:
      'La richiesta è una foglia dello stato della catena. La foglia è stata provata su un blocco ' +
      'che questo dispositivo ha controllato; contiene testo, compenso e chi sarà pagato.',
    closed:
      'L’ultima foglia della richiesta nello stato della catena, provata su un blocco che questo ' +
      'dispositivo ha controllato, dice chi è stato pagato.',
    blocks:
      'Richiesta, rivendicazioni e risposte stanno in blocchi di cui questo dispositivo ha ' +
      'controllato il contenuto. Che non ce ne siano altre lo dicono solo i pari.',
    peers:
      'Non è ancora in nessun blocco: è ciò che questo dispositivo ha mandato o un pari ha detto.',
    answer: (height) =>
      `I punteggi sono byte di una transazione nel blocco ${height}, il cui contenuto questo ` +
      'dispositivo ha confrontato con l’intestazione.',
    told: 'Questi byte li ha detti un minatore. Nessun blocco li contiene ancora: nulla li garantisce.',
    reading:
      'Quanto è sicuro: calcolato qui da tutti i punteggi, con la regola del modello (softmax in ' +
      'ottavi). Sotto il 50 % dice di non saperlo.',
    embedding: 'La somiglianza è il coseno, calcolato qui dai numeri della risposta.',
    never:
      'Che la risposta sia quella del modello, nessun controllo leggero lo prova. Lo controllano i ' +
      'minatori che hanno il modello; puoi farlo anche tu, con «Controlla la risposta».',
  },
};
