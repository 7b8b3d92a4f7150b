/** Chi risponde: questo dispositivo, o qualcuno prepagato. */
import type { PrepaidText } from '../en/prepaid.ts';
import { inItalian as counted } from '../plurals.ts';

export const prepaid: PrepaidText = {
  who: {
    title: 'Chi risponde',
    here: 'Questo dispositivo',
    free: 'Si esegue qui, gratis.',
    size: (size) => `Si esegue qui, gratis, dopo aver scaricato ${size}.`,
    looking: 'Ricerca di dispositivi che rispondono…',
    none:
      'Ora nessuno offre risposte con questo modello. Eseguilo su questo dispositivo, o guarda di nuovo dopo ' +
      'il prossimo blocco.',
    gone: 'ora non lo offre',
    told: 'Prezzo e attesa li indica ognuno di loro, firmati con la sua chiave. La tua domanda fissa il prezzo, e questo dispositivo non paga di più, contando da sé ciò che è arrivato.',
    paidProof: 'Quanto è stato pagato, questo dispositivo l’ha annotato mentre lo firmava.',
    sequence: (amount) => `${amount} VLT a testo`,
    tokens: (amount) => `${amount} VLT ogni 1.000 token`,
    now: 'risponde subito',
    wait: (queue, span) => `${queue} prima di te, circa ${span}`,
    paid: (amount) => `finora gli hai pagato ${amount} VLT`,
    answered: (count) => `risposte conservate qui: ${count}`,
    gaveNothing: 'l’ultima volta non ha risposto',
    instead: (name) =>
      `Chi è stato interpellato non ha risposto; ora è selezionato ${name}. Lì non si mette da parte nulla senza la tua conferma.`,
    falseOnes: (count) =>
      `Esclusi, perché è provato che hanno mandato risposte false o disoneste: ${count}`,
  },
  ask: {
    go: 'Chiedi',
    here: 'Esegui qui',
    running: 'In esecuzione…',
    most: (amount) => `Costa al massimo ${amount} VLT.`,
    reads: 'Lo legge chi risponde; nessun altro.',
    longer: (tokens, times) =>
      `Oltre ${tokens} token un testo costa di più: qui ognuno costa ${times} volte tanto.`,
    used: (name, limit, used) => `Prepagato con ${name}: ${limit} VLT, usati ${used}`,
    waits: 'Puoi già chiedere; chi risponde forse aspetta prima un blocco.',
    allUsed: 'Tutti usati. Per continuare mettine da parte altri.',
    busy: 'Si sta rispondendo a una domanda.',
    stop: 'Ferma',
    stopWhy: 'Ciò che si sta già calcolando arriva e si paga, e nient’altro.',
    connecting:
      'Pila cerca altri nodi. Finché non ne trova uno, può rispondere solo questo dispositivo.',
    offline:
      'Nessun nodo è raggiungibile, quindi può rispondere solo questo dispositivo. Controlla la connessione.',
    offlineWithout:
      'Nessun nodo è raggiungibile, e il modello non è ancora su questo dispositivo. Potrà rispondere dopo ' +
      'averlo scaricato: controlla la connessione.',
    short: 'Ciò che resta lì non basta per questo testo. Metti da parte altro per chiederlo.',
    less: (_, shown) => `Ciò che resta lì basta per una risposta di al massimo ${shown} token.`,
    answer: 'Risposta',
    arriving: 'La risposta sta arrivando…',
  },
  open: {
    title: 'Metti da parte monete per le risposte',
    why: 'Paghi una volta. Ogni risposta ne usa una parte. Ciò che resta torna a te.',
    limit: 'Da parte, in VLT',
    spendable: (amount) => `${amount} VLT spendibili`,
    lifetime: 'Al massimo per',
    lifetimeOf: (n, shown, span) =>
      counted(n, { one: `1 blocco (circa ${span})`, other: `${shown} blocchi (circa ${span})` }),
    review: 'Controlla',
    unlock: 'Sblocca per mettere da parte',
    notProven: 'Potrai mettere da parte fondi quando il tuo saldo sarà dimostrato.',
    afterBackup: 'Potrai mettere da parte fondi quando avrai scritto le tue 24 parole.',
    noKeys:
      'Per pagare le risposte servono le chiavi, e su questo dispositivo non ce ne sono ancora. Anche senza, questo dispositivo risponde, gratis.',
    toWallet: 'Crea le chiavi nel portafoglio',
    noCoins:
      'Non ci sono ancora monete da mettere da parte. Il lavoro può guadagnarne, e il portafoglio può riceverne. Anche senza, questo dispositivo risponde, gratis.',
    toWork: 'Inizia a lavorare',
    allowed: (allowed, held) =>
      `Permetti di mettere da parte in tutto ${allowed} VLT; ora sono ${held} VLT.`,
    toSettings: 'Cambialo nelle impostazioni',
  },
  faults: {
    limitMalformed: 'Scrivi un numero come 1,25, senza separatori delle migliaia.',
    limitSmall: 'Metti da parte almeno 0,01 VLT.',
    limitOver: 'Con la commissione supera quanto puoi spendere.',
    limitRest:
      'Nel conto resterebbe meno di 0,01 VLT, che andrebbe a chi mina. Metti da parte di più o di meno.',
    limitForbidden: 'È più di quanto permetti di mettere da parte in tutto.',
    summaryDiffers: 'Ciò che verrebbe firmato non è ciò che hai scelto. Non è stato firmato nulla.',
  },
  review: {
    title: 'Controlla prima di firmare',
    lead: (limit, name) => `Metti da parte ${limit} VLT per le risposte di ${name}.`,
    provider: 'Chiave che può incassare',
    payee: 'Indirizzo pagato',
    lifetime: 'Finisce dopo',
    most: 'Ti costa al massimo',
    together: 'Da parte in tutto, con questi',
    togetherOf: (all, allowed) => `${all} di ${allowed} VLT`,
    unattended:
      'Da quel momento questo dispositivo paga da sé ogni risposta con quei fondi, anche a chiavi bloccate.',
    back: 'Ciò che non usi torna a te: quando chiudi, o da sé alla scadenza. La commissione no.',
    seen: 'Tutti possono vedere presso chi li hai messi da parte e quanto ne è stato usato, ma non che cosa hai chiesto.',
    decoded: 'È esattamente ciò che verrà firmato.',
    confirm: 'Firma e metti da parte',
    change: 'Cambia',
  },
  list: {
    title: 'Prepagato',
    empty: 'Non c’è nulla da parte per le risposte.',
    used: (limit, used) => `${limit} VLT, usati ${used}`,
    answers: (count) => `Risposte: ${count}.`,
    close: 'Chiudi e riprendi il resto',
  },
  state: {
    waiting: 'aspetta un blocco',
    open: 'aperto',
    ending: 'finisce presto',
    closing: 'in chiusura',
    over: 'finito',
    distrusted: 'non più usato',
  },
  about: {
    waiting: (n, shown, span) =>
      counted(n, {
        one: `Pronto fra un blocco (circa ${span}).`,
        other: `Pronto fra ${shown} blocchi (circa ${span}).`,
      }),
    open: (left, when) => `Rimasti ${left} VLT, fino al ${when}.`,
    unproven: 'In questo momento nessun nodo può dimostrarlo. Pila continua a chiedere.',
    ending: (height) =>
      `Restano troppo pochi blocchi per un’altra domanda. Il resto torna al più tardi al blocco ${height}.`,
    closing: (height) =>
      `Non si chiede più nulla. Il resto torna con la chiusura, al più tardi al blocco ${height}.`,
    closingSoon: 'Non si chiede più nulla. Il resto torna con la chiusura.',
    over: (used, back) => `Usati ${used} VLT. Ti sono tornati ${back} VLT.`,
    overWhole: (back) => `Nessuno li ha incassati: ti sono tornati ${back} VLT.`,
    distrusted: (height) =>
      'Nessun programma onesto manda ciò che è arrivato da lì: non si chiede più nulla. Il resto torna al ' +
      `più tardi al blocco ${height}.`,
    distrustedSoon:
      'Nessun programma onesto manda ciò che è arrivato da lì: non si chiede più nulla. Il resto torna da sé.',
  },
  kept: {
    title: 'Risposte conservate qui',
    empty: 'Ancora nessuna risposta.',
    from: 'Ha risposto',
    model: 'Modello',
    unknownModel: 'nessuno di questa rete',
    time: 'Arrivata',
    total: 'Usati lì finora',
    number: 'Quale risposta lì',
    verdict: {
      unchecked: 'non verificata',
      equal: 'verificata qui',
      false: 'falsa',
      agreed: 'uguale altrove',
      disputed: 'diversa altrove',
    },
    verify: 'Verifica qui',
    again: 'Verifica di nuovo',
    verifying: 'Esecuzione del modello…',
    verifyWhy: 'Esegue qui lo stesso modello sullo stesso testo, e confronta ogni byte.',
    verifyTokens:
      'Esegue qui lo stesso modello una volta su domanda e risposta, e confronta ogni token.',
    wrong: (number, said, should) =>
      `Il primo token sbagliato è il numero ${number}: ${said === undefined ? 'manca' : `dice «${said}»`}, ` +
      (should === undefined
        ? 'mentre la risposta sarebbe dovuta finire prima.'
        : `mentre il modello dice «${should}».`),
    size: (size) => `Per farlo si scaricano ${size}, una volta.`,
    equal: 'Uguale: questo dispositivo ha calcolato la stessa risposta.',
    false:
      'Questa risposta è falsa: questo dispositivo ne ha calcolata un’altra, e la ricevuta firmata prova chi ' +
      'l’ha data. Pila non chiederà più a chi l’ha data.',
    share: 'Salva per condividere',
    link: 'Copia un link',
    copied: 'Copiato',
    notCopied: 'Non è stato possibile copiare.',
    shareWhy:
      'Testo, risposta e ricevuta firmata, senza le tue chiavi: chi li ha può verificare anche lui la risposta.',
    fileName: 'risposta-pila',
    signed:
      'La ricevuta è firmata dalla chiave qui sopra. Dice che questo modello ha dato questa risposta a questo ' +
      'testo, e quanto è costato.',
    unsigned: 'La ricevuta non prova che il modello risponda davvero così; lo fa «Verifica qui».',
  },
  second: {
    title: 'Fai rispondere anche qualcun altro',
    why:
      'Chiunque esegua questo modello su questa domanda ottiene la stessa risposta. Si chiede la stessa cosa a ' +
      'qualcun altro, e si confrontano le due risposte.',
    go: (name, amount) => `Chiedi a ${name}, per al massimo ${amount} VLT`,
    next: 'Se non arriva nulla, o una risposta diversa, si chiede al prossimo presso cui hai messo da parte monete, a un prezzo non più alto: tre al massimo.',
    aside: (name, amount) =>
      `${name} risponde per al massimo ${amount} VLT. Prima metti da parte monete lì.`,
    asking: (name) => `${name} risponde alla stessa domanda…`,
    none: 'Nessun altro offre ora di rispondere con questo modello.',
    same: (name) => `Uguale: ${name} ha dato la stessa risposta.`,
    other: (name) => `${name} ha dato una risposta diversa.`,
    otherFrom: (name, number, said, theirs) =>
      `${name} ha dato una risposta diversa: il primo token diverso è il numero ${number}, che qui dice «${said}» e ` +
      `là «${theirs}».`,
    shorter: (name, number) =>
      `${name} ha dato la stessa risposta, che però finisce prima del token numero ${number}.`,
    open: 'Una delle due è falsa. Un’altra risposta mostrerebbe quale è più probabile; «Verifica qui» lo prova.',
    against: (names) =>
      `${names} concordano su una risposta diversa, quindi questa è probabilmente falsa. «Verifica qui» lo prova.`,
    failed: (name) => `${name} non ha dato una risposta da confrontare.`,
    proof:
      'Le risposte sono state confrontate qui, byte per byte, e ognuna ha la sua ricevuta firmata. Due chiavi ' +
      'possono essere della stessa persona, perciò nessuno viene escluso per ciò che dicono gli altri: solo il ' +
      'modello, eseguito qui, prova una risposta.',
  },
  shared: {
    title: 'Una risposta condivisa',
    open: 'Apri una risposta condivisa',
    choose: 'File di una risposta condivisa',
    looking: 'Controllo della ricevuta…',
    good: 'La ricevuta è firmata, ed è di questo testo e di questa risposta.',
    back: 'Chiedi qualcosa',
  },
  limit: {
    title: 'Risposte prepagate',
    why: 'Quanto si può mettere da parte in tutto per le risposte. Chi s’impadronisse di questo dispositivo potrebbe spendere tanto, anche a chiavi bloccate, ma non di più.',
    label: 'Al massimo in tutto, in VLT',
    save: 'Imposta',
    saved: 'Impostato.',
    locked: 'Sblocca le chiavi per cambiarlo.',
    malformed: 'Scrivi un numero come 1,25, senza separatori delle migliaia.',
  },
  provide: {
    title: 'Rispondi a pagamento',
    label: 'Rispondi alle domande di altri mentre questo dispositivo lavora',
    why: 'Il tuo dispositivo esegue il modello sui loro testi, e loro ti pagano. Vede quei testi; nessun altro li vede.',
    on: 'Le risposte sono attive.',
    answered: 'Risposte date',
    earned: 'Guadagnati rispondendo',
    last: 'Ultima risposta',
    mined: 'Guadagnati con i blocchi',
    proof: [
      'Con i blocchi: il compenso dei tuoi blocchi nella catena verificata.',
      'Rispondendo: ciò per cui chi chiede ha firmato finora. È nel saldo quando viene incassato, e questo dispositivo lo fa da sé in tempo.',
    ],
    none: 'Nessuno ha ancora chiesto.',
    price: 'Prezzo di 1.000 token, in VLT',
    priceWhy:
      'Se lo lasci vuoto, è ciò che questo dispositivo guadagnerebbe nel frattempo con i blocchi, com’è ora la rete. ' +
      'Un token è circa tre quarti di parola; quattro token della domanda contano come uno.',
    priceMalformed: 'Scrivi un numero come 1,25, senza separatori delle migliaia, o lascia vuoto.',
    priceSave: 'Imposta il prezzo',
    priceSaved: 'Impostato. Vale per le domande da adesso in poi.',
  },
};
