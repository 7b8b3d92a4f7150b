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
  lately: {
    nobody: 'Adesso nessuno offre di rispondere con questo modello.',
    offered: (n, shown) =>
      counted(n, { one: 'Ora lo offre uno', other: `Ora lo offrono in ${shown}` }),
    from: (price) => `da ${price}`,
    wait: (span) => `il primo fra circa ${span}`,
    last: (age, name, cost) =>
      `L’ultima risposta per te: ${age}, da ${name}${cost && `, per ${cost} VLT`}.`,
  },
  noModels: 'Questa rete non ha ancora modelli a cui chiedere.',
  connecting: 'Pila cerca altri nodi…',
  form: {
    model: 'Modello',
    about: {
      lingua: 'dice la lingua di un testo, fra le 14 che conosce',
      tiny: 'un giocattolo per le prove: le sue risposte non significano nulla',
      polyglot: 'confronta testi brevi per significato, fra cinque lingue',
      minilm: 'confronta testi per significato, meglio in inglese',
      smollm2:
        'un piccolo modello linguistico: risponde in inglese, in modo scorrevole ma non sempre giusto',
    },
    input: 'Testo',
    texts: 'Testi, uno per riga',
    counting: (size) =>
      `Conteggio in corso… Il vocabolario del modello si scarica una volta sola: ${size}.`,
    tokens: (texts, max, longest, most) =>
      `testi: ${texts} su ${max}; token del più lungo: ${longest} su ${most}`,
    overLong: (text, tokens, most) =>
      `Il testo ${text} è troppo lungo: ${tokens} token, e il modello ne accetta ${most}. Niente viene tagliato: accorcialo.`,
    noTokenizer: 'Questo modello non ha un vocabolario: possono interrogarlo solo i programmi.',
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
    loading: 'Preparazione del modello…',
    you: 'Tu',
    answer: 'Risposta',
    leavesOut: (n, shown) =>
      counted(n, {
        one: 'Non c’è più posto per la domanda più vecchia e la sua risposta: il modello non le leggerà.',
        other: `Non c’è più posto per le ${shown} domande più vecchie e le loro risposte: il modello non le leggerà.`,
      }),
    leftOut: (n, shown) =>
      counted(n, {
        one: 'Non c’era posto per la domanda più vecchia e la sua risposta: per questa risposta il modello non le ha lette.',
        other: `Non c’era posto per le ${shown} domande più vecchie e le loro risposte: per questa risposta il modello non le ha lette.`,
      }),
    unanswered: 'Non è arrivata nessuna risposta. Chiedi di nuovo, o vai avanti.',
    another: 'Un’altra risposta',
    copy: 'Copia',
    copied: 'Copiata',
    notCopied: 'Non è stato possibile copiarla.',
    seeded: (seed) => `seme ${seed}`,
    length: (_, shown) => `${shown} token`,
    pace: (length, perSecond) => `${length}, ${perSecond} al secondo`,
    ended: {
      stop: 'La risposta è completa.',
      length:
        'La risposta finisce qui perché ha raggiunto il limite di token. Puoi alzarlo in «Altro».',
      context:
        'La risposta finisce qui perché domanda e risposta occupano tutto lo spazio del modello.',
      stopped: 'Fermata.',
      failed: 'La risposta si interrompe qui: qualcosa è andato storto.',
    },
    more: {
      title: 'Altro',
      system: 'Istruzioni per il modello',
      temperature: 'Temperatura',
      topP: 'Quota delle parole più probabili (top-p)',
      maxTokens: 'Massimo di token per risposta',
      seed: 'Seme',
      notes: {
        temperature: '0: sempre la parola più probabile. Fino a 4: sempre più a caso.',
        topP: 'Da 0 a 1. Con 1 può uscire qualsiasi parola.',
        maxTokens: (context) =>
          `Un token è circa tre quarti di parola. Domanda e risposta insieme ne hanno al massimo ${context}.`,
        seed:
          'Se lo lasci vuoto, ogni risposta ne ha uno diverso. Stessa conversazione, stesse opzioni e stesso seme ' +
          'danno la stessa risposta su ogni dispositivo.',
        system:
          'Chi deve essere, o come deve rispondere. Vale per ogni domanda di questa conversazione.',
      },
    },
    proof:
      'Questo dispositivo ha eseguito il modello da sé: non è stato chiesto a nessuno, e né domanda né risposta ne sono uscite. Nel frattempo il lavoro è rimasto fermo.',
    again: (seed) =>
      `Ogni parola dipende esattamente da modello, conversazione, opzioni e seme (${seed}): chiesta di nuovo, qui o su un altro dispositivo, l’ultima risposta è la stessa, lettera per lettera.`,
  },
  chats: {
    title: 'Conversazioni',
    none: 'Ancora nessuna: la prima comincia con la tua domanda.',
    new: 'Nuova conversazione',
    nameless: 'Senza titolo',
    takes: (kept, max, bytes, most) => `Conservate ${kept} su ${max}, ${bytes} su ${most}`,
    next: (name) => `Non c’è più posto: la prossima sostituisce «${name}».`,
    gone: (name) => `«${name}» ha lasciato il posto a una più recente, e non è più conservata.`,
    where:
      'Le conversazioni restano solo in questo browser: nessun nodo, nessun backup e nessun file del portafoglio ' +
      'le contiene. Anche queste spariscono con «Cancella tutto», nelle impostazioni.',
    unkept: 'Ora le conversazioni non si possono conservare: ciò che vedi sparisce quando esci.',
    lost: 'Gli ultimi messaggi non sono conservati: questa conversazione è stata eliminata in un’altra scheda, o è diventata troppo lunga.',
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
        'Va bene per scrivere in un inglese scorrevole: una lettera, un elenco, una prima bozza. SmolLM2, il modello di questo programma, è piccolo e conosce poco le altre lingue.',
        'Inventa con la stessa sicurezza con cui dice il vero: alla domanda sulla capitale dell’Australia ha risposto Canberra e poi Sydney. Controlla quello che conta.',
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
    put: 'Aggiungine qualcuno',
    nothing:
      'Ora in questi testi non si trova niente: non sono più qui, o non sono ancora stati letti.',
    read: (count) => `Passi dei tuoi testi che il modello ha letto: ${count}.`,
    warning: 'Può dire anche cose che nei passi non ci sono: leggili tu.',
    good: {
      title: 'A che cosa serve chiedere dei testi, e dove sbaglia',
      lines: [
        'Ogni domanda viene cercata da sola nei tuoi testi; il modello legge solo i pochi passi più simili. Scrivi di che cosa parli: «e poi?» non trova niente.',
        'Va bene per trovare un punto e riassumerlo. Dove serve tutto il testo, un riassunto o un conteggio, sbaglia.',
        'Risponde nella lingua dei passi, per quanto può: un modello piccolo conosce meglio l’inglese.',
      ],
    },
  },
  faults: {
    inputMissing: 'Scrivi qualcosa da chiedere.',
    inputLong: 'È più lungo di quanto il modello accetti. Accorcialo.',
  },
  input: {
    fromIds: 'Riportato qui in testo, con il vocabolario del modello.',
    idsOnly:
      'Questi numeri stanno per parole: questo dispositivo non ha il vocabolario del modello.',
    readWords: (size) => `Scarica il vocabolario (${size})`,
  },
  answer: {
    cannotTell: 'Non si può dire',
    none14: 'nessuna delle 14 lingue',
    sure: (percent) => `sicuro al ${percent}`,
    guess: (label, percent) => `più probabile: ${label}, sicuro al ${percent}`,
    top: (score, next, other) => `punteggio ${score}, poi ${next} con ${other}`,
    alone: (score) => `punteggio ${score}`,
    all: 'Tutti i punteggi',
    embedding: (count) => `Il significato in numeri (embedding): ${count}`,
    scale: (scale) => `Moltiplicati per ${scale} sono un vettore di lunghezza 1.`,
    numbers: 'Tutti i numeri',
    alike: 'Quanto si somigliano i testi (1: uguali)',
    pair: (a, b) => `Testo ${a} e testo ${b}`,
    copy: 'Copia come JSON',
    copied: 'Copiato',
    notCopied: 'Non è stato possibile copiare.',
    malformed: 'Questa non è una risposta di questo modello.',
  },
  proof: {
    here: 'Questo dispositivo ha eseguito il modello da sé: non è stato chiesto a nessuno, e il testo è rimasto qui.',
    reading:
      'Quanto è sicuro: calcolato qui da tutti i punteggi, con la regola del modello (softmax in ' +
      'ottavi). Sotto il 50% risponde che non si può dire.',
    embedding: 'La somiglianza è il coseno, calcolato qui dai numeri della risposta.',
  },
  old: {
    title: 'Una domanda di una catena precedente',
    why:
      'Questo link porta a una domanda che stava, con la sua risposta, in una versione precedente della ' +
      'catena. La catena è ricominciata senza di esse, quindi Pila non può più mostrarla. Ora si chiede al proprio dispositivo, oppure a qualcun altro con il prepagato.',
    ask: 'Chiedi qualcosa',
  },
};
