/** Italiano. */
import type { Text } from '../en/app.ts';
import { errors, forms } from './errors.ts';
import { inItalian as counted } from '../plurals.ts';

const about = (span: string): string => span && ` (circa ${span})`;

export const it: Text = {
  code: 'it',
  name: 'Italiano',
  tagline: 'Il tuo computer risponde.\nLa rete paga.',
  lead: 'Pila esegue un piccolo modello di IA sul tuo dispositivo. Le stesse moltiplicazioni tengono sicuro un registro pubblico, e la rete ti paga per farle.',
  what: 'Che cos’è?',
  nav: {
    label: 'Navigazione',
    pila: 'Lavoro',
    ask: 'Chiedi',
    wallet: 'Portafoglio',
    network: 'Rete',
    settings: 'Impostazioni',
    skip: 'Vai al contenuto',
  },
  plate: {
    pile: 'Tav. I · La pila',
    wallet: 'Tav. II · Il portafoglio',
    settings: 'Tav. III · Impostazioni',
    pileFigure: 'Fig. 1',
    describe: (units, paid, rejected) =>
      `Una pila di dischi di rame e zinco. Esecuzioni del modello: ${units}; pagate da un tuo blocco nella catena: ` +
      `${paid}; non conteggiate: ${rejected}.`,
    empty: 'Una coppia di dischi per ogni esecuzione del modello',
    shelf: 'una linea: 12 esecuzioni',
    legendPaid: 'pagata',
    legendWaits: 'in attesa del tuo prossimo blocco',
    legendWork: 'questa esecuzione',
    legendBad: 'non conteggiata',
  },
  pila: {
    start: 'Avvia',
    resume: 'Riprendi',
    resumeNow: 'Riprendi ora',
    pausedAt: (place) => `${place} (in pausa)`,
    pausedUntil: (time) => `In pausa fino alle ${time}.`,
    pausedTomorrow: (time) => `In pausa fino a domani, ${time}.`,
    again: 'Riprova',
    pause: 'Pausa',
    before: 'Prima di premere',
    factDownload: (size) => `${size} da scaricare, una volta sola: i modelli e ciò che li esegue`,
    factDownloadUnknown: 'I modelli, e ciò che li esegue, si scaricano una volta sola',
    factUses: 'Usa la scheda grafica o, se non c’è, fino a quattro core del processore',
    factEarns: 'Guadagna quando trova un blocco, ed è questione di fortuna: presto, tardi o mai',
    factStop: 'Si ferma subito, quando vuoi; anche chiudendo la pagina',
    factAccount: 'Nessuna registrazione: le chiavi nascono e restano su questo dispositivo',
    factPower: 'Consuma corrente: se usi un portatile, attacca la spina',
    watch: 'Guarda solo un saldo',
    completed: 'Esecuzioni del modello',
    rejected: 'Non conteggiate',
    paidOf: (paid, all) => `pagate: ${paid} su ${all}`,
    rate: 'Velocità',
    perSecond: (isMillions) =>
      isMillions ? 'di moltiplicazioni al secondo' : 'moltiplicazioni al secondo',
    measuring: 'misura in corso…',
    blocks: 'Blocchi trovati',
    balance: 'Saldo',
    notProven: 'non ancora dimostrato',
    provenAt: (height) => `dimostrato al blocco ${height}`,
    measured: 'Misurato',
    confirmed: 'Confermato',
    sinceOpen: 'da quando hai aperto la pagina',
    head: 'Ultimo blocco',
    headOf: (height, age) => `${height}, ${age}`,
    noHead: 'ancora nessuno',
    peers: 'Nodi',
    peersAgree: (n, agreeing, all) =>
      counted(n, {
        one: `${agreeing} su ${all} concorda`,
        other: `${agreeing} su ${all} concordano`,
      }),
    stale: (age) =>
      `L’ultimo blocco è arrivato ${age}: questi numeri possono non essere aggiornati.`,
    nobodyMines: (age) => `L’ultimo blocco è arrivato ${age}: forse ora non sta minando nessuno.`,
    offline: (age) =>
      `Senza rete: questi numeri sono stati dimostrati ${age}. Lo saranno di nuovo appena si raggiunge un nodo.`,
    startHere: 'Mina qui il prossimo',
    model: 'Modello',
    backendGpu: 'WebGPU',
    backendCpu: 'processore',
    backUp: 'Le tue monete dipendono da 24 parole che non hai ancora scritto.',
    backUpNow: 'Scrivile',
  },
  sentence: {
    off: 'Fermo. Nessun lavoro in corso.',
    starting: 'Avvio in corso…',
    loading: 'Caricamento del modello.',
    testing:
      'Prova del dispositivo: il risultato deve essere esattamente quello giusto. Lo schermo può bloccarsi per un attimo.',
    runningGpu: 'Al lavoro sulla scheda grafica.',
    runningCpu: 'Al lavoro sul processore.',
    held: 'In attesa: nessun lavoro in corso.',
    needsModel: 'In attesa di un modello: senza, non si possono verificare i blocchi precedenti.',
    checksBlocks: 'Verifica dei blocchi su cui si è costruito.',
    finishing: 'Finisce questa esecuzione, poi si ferma.',
    paused: 'In pausa. Quello che hai fatto resta.',
    noPeers:
      'Nessun nodo: il lavoro continua, ma un blocco trovato ora non arriva a nessuno. Controlla la connessione.',
    syncing: 'Aggiornamento della catena.',
    failed: 'Fermo per un problema.',
  },
  headLine: {
    offline: 'Senza rete',
    block: 'Blocco',
    old: 'vecchio',
    agree: (n, agreeing, all) =>
      counted(n, {
        one: `nodi: ${agreeing} su ${all} concorda`,
        other: `nodi: ${agreeing} su ${all} concordano`,
      }),
    asking: (n, shown) =>
      counted(n, { one: 'in attesa dell’unico nodo', other: `in attesa di ${shown} nodi` }),
  },
  care: {
    intensity: 'Intensità',
    intensityWhy:
      'Quanto tempo può prendere il lavoro. Rallenta da solo quando la pagina va a scatti.',
    intensities: {
      25: (percent) => `${percent}: non dovresti accorgertene`,
      50: (percent) => `${percent}: tranquilla`,
      100: (percent) => `${percent}: alla massima velocità`,
    },
    reasons: {
      battery:
        'Il computer va a batteria. Il lavoro riprende quando è collegato alla corrente e ha ricaricato il 5%.',
      presence: 'Ci sei tu: il lavoro riprende quando nessuno tocca il dispositivo per un minuto.',
      pressure: 'Più piano per ora: il processore è occupato o caldo.',
      frames: 'Più piano per ora: la pagina va a scatti.',
      hidden: 'A metà velocità: questa scheda è nascosta.',
    },
    anyway: 'Continua comunque per 30 min',
  },
  conditions: {
    insecure:
      'L’indirizzo di questa pagina non è sicuro, perciò il browser non le lascia tenere chiavi né lavorare. Aprila con https://, o con http://localhost sul computer che la serve.',
    browserOld: (names) =>
      `A questo browser manca quello che serve a Pila: ${names}. Aggiornalo, o usa Chrome, Edge, Firefox o Safari recenti.`,
    versionOld:
      'Questa pagina è più vecchia della sua rete, che ne rifiuterebbe il lavoro. Ricarica per avere la versione nuova.',
    reload: 'Ricarica',
    clockFast: (by) =>
      `L’orologio di questo dispositivo è avanti di ${by}: i suoi blocchi sarebbero rifiutati. Regolalo e ricarica.`,
    clockSlow: (by) =>
      `L’orologio di questo dispositivo è indietro di ${by}: rifiuterebbe i blocchi degli altri. Regolalo e ricarica.`,
    room: (size) =>
      `Questo browser dà a Pila solo ${size} di spazio, come le finestre private, che dimenticano tutto quando si chiudono. Usa una finestra normale, o scrivi subito le 24 parole.`,
    noFiles:
      'Questa finestra non lascia conservare file a Pila, come le finestre private, che dimenticano tutto quando ' +
      'si chiudono. Usa una finestra normale, o scrivi subito le 24 parole.',
    noWebGpu:
      'Questo browser non dà accesso alla scheda grafica: lavora il processore, che è più lento.',
    battery: 'Questo computer va a batteria: il lavoro comincia quando è collegato alla corrente.',
  },
  reasons: {
    stale: 'troppo tardi: la catena era già avanti',
    recheck: 'il controllo sul processore ha dato un altro risultato',
    refused: 'rifiutata dalla catena',
    unknown: (reason) => reason,
    noGpu: (why) => `La scheda grafica non viene usata: ${why}`,
  },
  proof: {
    title: 'Come lo sappiamo?',
    balance:
      'Per questo numero non ci si è fidati di nessun server. L’ha dato un nodo, o la copia di tutti i conti su questo dispositivo, con una prova. Qui la prova è stata verificata sul blocco, e così il lavoro di quel blocco.',
    height: 'Blocco',
    id: 'ID del blocco',
    bytes: 'Dimensione della prova',
    checked: 'Prove di lavoro verificate qui',
    agreeing: 'Nodi con lo stesso ultimo blocco',
    time: 'Ora del blocco',
    rate: 'Esecuzioni e velocità sono contate su questo dispositivo da quando la pagina è aperta; la velocità è quella delle ultime esecuzioni. Nessun altro le ha verificate.',
    rejected:
      'Un’esecuzione non viene conteggiata solo per un motivo visto da questo dispositivo: un altro blocco è arrivato prima, il controllo sul processore non concordava, o le regole della catena hanno rifiutato il blocco.',
    blocks:
      'I blocchi trovati sono vincite fatte e verificate da questo dispositivo. Un blocco paga quando è nella catena, e allora le esecuzioni che lo precedono valgono come pagate.',
    immature:
      'Il guadagno non ancora spendibile sta nello stesso conto dimostrato, ogni volta con il blocco da cui si potrà spendere.',
  },
  wallet: {
    spendable: 'Spendibile',
    immature: 'Non ancora spendibile',
    immatureWhy: (n, shown, span) =>
      counted(n, {
        one: `Guadagno dei blocchi che hai trovato. Bloccato per un altro blocco${about(span)}.`,
        other: `Guadagno dei blocchi che hai trovato. Bloccato al massimo per altri ${shown} blocchi${about(span)}.`,
      }),
    receive: 'Ricevi',
    send: 'Invia',
    faucet: 'Chiedi monete di prova',
    unlockOnce: 'Sblocca le chiavi una volta.',
    unlockOnceWhy:
      'Le ha salvate una versione precedente di Pila. Una volta sbloccate, questo dispositivo si accorge se qualcuno ne cambia l’indirizzo.',
    noKeys: 'Su questo dispositivo non ci sono ancora chiavi.',
    noKeysWhy:
      'Le chiavi nascono da 24 parole create qui. Non lasciano mai questo dispositivo, e se le perdi nessuno può ridartele.',
    create: 'Crea nuove chiavi',
    restore: 'Ripristina da 24 parole',
    notBackedUp:
      'Le tue 24 parole non sono scritte. Se questo browser le dimentica, le monete sono perse.',
    backUp: 'Scrivi le parole',
    locked: 'Bloccato: puoi vedere il saldo, ma non inviare.',
    unlock: 'Sblocca',
    lock: 'Blocca',
    address: 'Il tuo indirizzo',
    copy: 'Copia',
    copied: 'Copiato',
    copyFailed: 'Non copiato: seleziona il testo e copialo',
    share: 'Chi ti paga deve vedere tutti questi gruppi, in quest’ordine.',
    qr: 'Codice QR del tuo indirizzo',
    pending: 'In attesa',
    received: 'Ricevuto',
    sent: 'Inviato',
    toSelf: 'A te stesso',
    from: 'da',
    to: 'a',
    other: {
      channel: 'Risposte prepagate',
      close: 'Risposte date a pagamento',
    },
    block: (height) => `blocco ${height}`,
    keys: 'Chiavi',
    words: 'Le 24 parole',
    protect: 'Frase segreta',
    protectChange: 'Cambia frase segreta',
    protectedYes: 'Per spendere serve la tua frase segreta.',
    protectedNo: 'Chiunque usi questo browser può spendere. Una frase segreta lo impedisce.',
    erase: 'Cancella le chiavi',
    backedUpYes: 'Scritte e controllate.',
    notFinal: (n, have, need) =>
      counted(n, {
        one: 'non ancora definitivo: in nessun blocco',
        other: `non ancora definitivo: ${have} di ${need} blocchi`,
      }),
    youngPayer: 'da un conto altrettanto nuovo: se la catena cambia lì, va firmato di nuovo',
    neverFinal: 'non definitivo: forse valgono regole più recenti',
    reorganised: (n, shown) =>
      counted(n, {
        one: 'La catena ha cambiato il suo ultimo blocco. Il saldo è stato dimostrato di nuovo.',
        other: `La catena ha cambiato i suoi ultimi ${shown} blocchi. Il saldo è stato dimostrato di nuovo.`,
      }),
    pendingState: {
      pending: 'aspetta un blocco',
      confirmed: 'nella catena',
      expired: 'scaduto: non è stato pagato nulla',
      refused: 'rifiutato: non è stato pagato nulla',
      replaced: 'sostituito da un altro tuo pagamento',
    },
  },
  send: {
    title: 'Invia',
    to: 'All’indirizzo',
    amount: 'Importo in VLT',
    fee: 'Commissione in VLT',
    available: (amount) => `${amount} VLT spendibili`,
    all: 'Invia tutto, meno la commissione',
    review: 'Controlla',
    confirmTitle: 'Controlla prima di firmare',
    decoded: 'È esattamente ciò che verrà firmato.',
    total: 'Totale',
    expiry: 'Valido fino al blocco',
    confirm: 'Firma e invia',
    change: 'Correggi',
    done: 'Inviato',
    doneWhy:
      'La rete l’ha ricevuto. È definitivo quando sta in un blocco che ne ha abbastanza altri sopra; seguilo in «In attesa».',
    compare: 'Confronta ogni gruppo con l’indirizzo che ti hanno dato.',
  },
  backup: {
    title: 'Scrivi 24 parole',
    intro:
      'Prendi carta e penna. Chi ha queste parole ha le tue monete; senza, un dispositivo perso vuol dire monete perse. Non fotografarle.',
    show: 'Mostra le parole',
    passphrase: 'La tua frase segreta',
    written: 'Le ho scritte',
    quizTitle: 'Controllo',
    question: (place) => `Qual è la parola numero ${place}?`,
    check: 'Controlla',
    done: 'Fatto',
    doneWhy: 'Le parole sono giuste. Ora puoi inviare. Tieni il foglio al sicuro da fuoco e acqua.',
    back: 'Mostra di nuovo le parole',
  },
  protect: {
    title: 'Frase segreta',
    intro:
      'Una frase segreta cifra le chiavi su questo dispositivo. Non sostituisce le 24 parole: se la dimentichi, restano l’unica via.',
    passphrase: 'Frase segreta',
    suggested: 'Pila ha preparato questa per te. Annotala, poi scrivila in tutti e due i campi:',
    suggest: 'Proponine un’altra',
    repeat: 'Di nuovo la frase segreta',
    differs: 'Le due frasi non sono uguali.',
    show: 'Mostra',
    hide: 'Nascondi',
    where:
      'Un gestore di password fuori da questo browser è un buon posto. Questo browser no: chi ne copia i dati avrebbe entrambe le cose.',
    set: 'Imposta la frase',
    slow: 'Richiede circa un secondo, per sicurezza.',
    fromStart: 'Se la scegli ora, le chiavi sono cifrate fin dall’inizio.',
    later: 'Sceglila più tardi',
  },
  unlock: {
    first: 'Prima scrivi la frase segreta.',
    title: 'Sblocca',
    passphrase: 'Frase segreta',
    go: 'Sblocca',
  },
  restore: {
    title: 'Ripristina dalle parole',
    words: '24 parole',
    count: (n) => `${n} di 24`,
    first: 'Prima scrivi le parole.',
    go: 'Ripristina',
  },
  erase: {
    first: 'Prima spunta la casella qui sopra.',
    title: 'Cancella le chiavi',
    intro:
      'Le chiavi vengono cancellate da questo dispositivo. Senza le 24 parole nessuno potrà mai più muovere le monete.',
    balance: (amount) => `Su questo indirizzo ci sono ${amount} VLT.`,
    sure: 'Ho le 24 parole, oppure rinuncio a queste monete',
    go: 'Cancella per sempre',
  },
  settings: {
    title: 'Impostazioni',
    language: 'Lingua',
    theme: 'Aspetto',
    themes: { auto: 'Come il dispositivo', light: 'Chiaro', dark: 'Scuro' },
    network: 'Rete',
    unlaunched: 'Questa è una rete di prova: le sue monete non valgono nulla.',
  },
  outlook: {
    ended:
      'Forse le regole di questa rete sono cambiate: quasi tutti i blocchi più recenti ne seguono alcune che questa versione non conosce. Finché non aggiorni, qui nessun pagamento è definitivo. Chiavi e monete restano come sono.',
    changing:
      'Sta arrivando una nuova versione delle regole: alcuni dei blocchi più recenti la seguono già. Aggiorna presto.',
    weak: 'La rete ha perso quasi tutta la sua potenza di calcolo. Perché un pagamento sia definitivo servono dieci volte più blocchi.',
  },
  update: {
    ready: 'C’è una nuova versione.',
    go: 'Riavvia',
    goAfter: 'Riavvia dopo questa esecuzione',
  },
  common: {
    cancel: 'Annulla',
    close: 'Chiudi',
    done: 'Fatto',
    dismiss: 'Chiudi l’avviso',
    wait: 'Un momento…',
    working: 'Al lavoro',
    framed: 'Pila non funziona dentro un’altra pagina.',
    openOwn: 'Aprila in una scheda a parte',
    code: 'codice',
    multiplications: (amount, isMillions) =>
      isMillions ? `${amount} di moltiplicazioni` : `${amount} moltiplicazioni`,
  },
  secret: {
    covered: 'Nascosto, perché da un po’ nessuno tocca nulla.',
    show: 'Mostralo di nuovo',
  },
  confirm: { soon: 'Prima leggi: fra un attimo potrai premere.' },
  forms,
  errors,
};
