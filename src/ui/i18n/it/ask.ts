/** Chiedere: la domanda, e ciò che dice una risposta. */
import type { AskText } from '../en/ask.ts';
import { inItalian as counted } from '../plurals.ts';

export const ask: AskText = {
  title: 'Chiedi',
  plate: 'Tav. V · La domanda',
  lead:
    'Questo dispositivo esegue il modello sul tuo testo, gratis. Oppure lo fa quello di qualcun altro, pagato ' +
    'per ogni risposta con ciò che metti da parte; allora testo e risposta li vedete solo voi due.',
  places: { label: 'Modi di chiedere', ask: 'Chiedi', search: 'Cerca nei tuoi testi' },
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
      `testi: ${texts} su ${max}; token del più lungo: ${longest} su ${most}`,
    overLong: (text, tokens, most) =>
      `Il testo ${text} è troppo lungo: ${tokens} token, e il modello ne accetta ${most}. Niente viene tagliato: accorcialo.`,
    noTokenizer:
      'Questo modello non indica un tokenizer: può interrogarlo solo un programma che produce i token.',
    bytes: (used, max) => `${used} byte su ${max}`,
  },
  generate: {
    question: 'La tua domanda',
    others: 'Falla rispondere da qualcun altro, a pagamento',
    here: 'La risposta nasce su questo dispositivo; niente ne esce.',
    tokens: (tokens, most) => `token: ${tokens} su ${most}`,
    overLong: (tokens, most) =>
      `È troppo lungo per il modello: ${tokens} token su ${most}. Niente viene tagliato: accorcia il testo.`,
    go: 'Chiedi',
    stop: 'Ferma',
    fetching: 'Prima si scarica il modello…',
    loading: 'Il modello si prepara…',
    you: 'Tu',
    answer: 'Risposta',
    leavesOut: (n, shown) =>
      counted(n, {
        one: 'La domanda più vecchia e la sua risposta non ci stanno più: il modello non le leggerà.',
        other: `Le ${shown} domande più vecchie e le loro risposte non ci stanno più: il modello non le leggerà.`,
      }),
    leftOut: (n, shown) =>
      counted(n, {
        one: 'La domanda più vecchia e la sua risposta non ci stavano: per questa risposta il modello non le ha lette.',
        other: `Le ${shown} domande più vecchie e le loro risposte non ci stavano: per questa risposta il modello non le ha lette.`,
      }),
    unanswered: 'Non è arrivata nessuna risposta. Chiedi di nuovo, o vai avanti.',
    another: 'Un’altra risposta',
    copy: 'Copia',
    copied: 'Copiata',
    notCopied: 'Non si è potuta copiare.',
    seeded: (seed) => `seme ${seed}`,
    length: (_, shown) => `${shown} token`,
    pace: (length, perSecond) => `${length}, ${perSecond} al secondo`,
    ended: {
      stop: 'La risposta è completa.',
      length:
        'La risposta finisce qui perché non può avere altri token. In «Altro» puoi concederne di più.',
      context: 'La risposta finisce qui perché domanda e risposta non hanno più posto nel modello.',
      stopped: 'Fermata.',
      failed: 'La risposta si interrompe qui: qualcosa è andato storto.',
    },
    more: {
      title: 'Altro',
      system: 'Ciò che il modello sa prima di tutto',
      temperature: 'Temperatura',
      topP: 'Quota delle parole più probabili (top-p)',
      maxTokens: 'Token al massimo',
      seed: 'Seme',
      notes: {
        temperature: '0: sempre la parola più probabile. Fino a 4: sempre più a caso.',
        topP: 'Da 0 a 1. Con 1 può venire ogni parola.',
        maxTokens: (context) =>
          `Un token è circa tre quarti di parola. Domanda e risposta insieme ne hanno al massimo ${context}.`,
        seed:
          'Se lo lasci vuoto, ogni risposta ne ha uno diverso. Stessa conversazione, stesse opzioni e stesso seme ' +
          'danno la stessa risposta su ogni dispositivo.',
        system:
          'Chi deve essere, o come deve rispondere. Sta prima di tutte le domande di questa conversazione.',
      },
    },
    proof:
      'Questo dispositivo ha eseguito da sé il modello: a nessuno è stato chiesto, e né domanda né risposta ' +
      'ne sono uscite. Nel frattempo il lavoro ha riposato.',
    again: (seed) =>
      `Ogni parola segue da modello, conversazione, opzioni e seme (${seed}) in numeri interi: chiesta di nuovo, ` +
      'qui o su un altro dispositivo, l’ultima risposta è la stessa, lettera per lettera.',
  },
  chats: {
    title: 'Conversazioni',
    none: 'Ancora nessuna: la prima comincia con la tua domanda.',
    new: 'Nuova conversazione',
    nameless: 'Senza parole',
    takes: (kept, max, bytes, most) => `Conservate ${kept} su ${max}, ${bytes} su ${most}`,
    next: (name) => `Non c’è più posto: la prossima prende quello di «${name}».`,
    gone: (name) => `«${name}» ha lasciato il posto a una più recente, e non è più conservata.`,
    where:
      'Le conversazioni restano solo in questo browser: nessun nodo, nessun backup e nessun file del portafoglio ' +
      'le contiene. Anche loro spariscono con «Cancella tutto», nelle impostazioni.',
    unkept: 'Ora le conversazioni non si possono conservare: ciò che vedi sparisce quando esci.',
    lost:
      'Le ultime parole non sono conservate: questa conversazione è stata eliminata in un’altra scheda, o è ' +
      'diventata troppo lunga.',
    full: 'Questa conversazione è lunga quanto può esserlo. Cominciane una nuova.',
    change: 'Rinomina o elimina',
    sheet: 'Questa conversazione',
    name: 'Nome',
    nameWhy: 'Se lo lasci vuoto, prende le sue prime parole.',
    save: 'Salva il nome',
    remove: 'Elimina',
    good: {
      title: 'A che cosa serve, e dove sbaglia',
      lines: [
        'Va bene per un inglese che scorre: una lettera, un elenco, una prima bozza. SmolLM2, il modello che questo ' +
          'programma indica, è piccolo e sa poco delle altre lingue.',
        'Inventa con lo stesso tono con cui dice il vero: alla domanda sulla capitale dell’Australia ha nominato ' +
          'Canberra e poi Sydney. Controlla quello che conta.',
        'Non sa calcolare, e i programmi che scrive spesso non funzionano.',
        'Su 24 conversazioni di prova, 14 risposte sono finite da sole; le altre sono state tagliate al limite.',
      ],
    },
    removeWhy:
      'Le sue domande e le sue risposte spariscono per sempre da questo dispositivo. Nessun altro le ha.',
  },
  about: {
    label: 'Sui miei testi',
    which: 'Quale testo',
    all: 'Tutti i miei testi',
    gone: 'Un testo che qui non c’è più',
    none: 'Qui non ci sono ancora testi.',
    put: 'Mettine qualcuno',
    nothing:
      'In questi testi ora non si trova niente: qui non ci sono più, o non sono ancora letti.',
    read: (count) => `Passi dei tuoi testi che il modello ha letto: ${count}.`,
    warning: 'Può dire anche quello che i passi non dicono: leggili tu.',
    good: {
      title: 'A che cosa serve chiedere dei testi, e dove sbaglia',
      lines: [
        'Ogni domanda si cerca da sola nei tuoi testi; il modello legge i pochi passi più simili, non tutto il testo. ' +
          'Scrivi di che cosa parli: «e poi?» non trova niente.',
        'Va bene per trovare un punto e raccontarlo. Dove serve tutto il testo, un riassunto o un conto, sbaglia.',
        'Risponde nella lingua dei passi, per quanto può: un modello piccolo sa meglio l’inglese.',
      ],
    },
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
