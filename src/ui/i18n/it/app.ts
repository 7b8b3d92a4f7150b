/** Italiano. */
import type { Text } from '../en/app.ts';
import { errors, forms } from './errors.ts';
import { inItalian as counted } from '../plurals.ts';

export const it: Text = {
  code: 'it',
  name: 'Italiano',
  tagline: 'Il tuo computer risponde.\nLa rete paga.',
  lead:
    'Pila esegue un piccolo modello di IA sul tuo dispositivo. Le stesse moltiplicazioni tengono ' +
    'sicura una catena pubblica, e la catena te le paga.',
  what: 'Che cos’è?',
  nav: {
    label: 'Luoghi',
    pila: 'Pila',
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
    empty: 'Una coppia di dischi per ogni unità completata',
    shelf: 'una linea = 12 unità',
    legendCopper: 'rame e zinco: completata',
    legendPaid: 'sigillata: pagata da un tuo blocco nella catena',
    legendWaits: 'tratteggiata: aspetta il tuo prossimo blocco',
    legendWork: 'a linea spezzata: in lavoro',
    legendBad: 'barrata: scartata',
  },
  pila: {
    start: 'Avvia',
    resume: 'Riprendi',
    resumeNow: 'Riprendi ora',
    pausedUntil: (time) => `In pausa fino alle ${time}.`,
    pausedTomorrow: (time) => `In pausa fino a domani, ${time}.`,
    again: 'Riprova',
    pause: 'Pausa',
    before: 'Prima di premere',
    factDownload: (size) => `${size} da scaricare, una volta: i modelli e il loro motore`,
    factDownloadUnknown: 'I modelli e il loro motore si scaricano, una volta',
    factUses: 'Usa la scheda grafica, o fino a quattro nuclei del processore dove non c’è',
    factEarns: 'Guadagna quando trova un blocco, ed è un caso: presto, tardi o mai',
    factStop: 'Si ferma subito, quando vuoi. Anche chiudendo la pagina',
    factAccount: 'Nessun conto: le chiavi nascono e restano su questo dispositivo',
    factPower: 'Consuma corrente: con un portatile, attacca la spina',
    watch: 'Guarda soltanto un saldo',
    completed: 'Unità completate',
    rejected: 'Scartate',
    none: 'nessuna',
    rate: 'Ritmo',
    measuring: 'misuro…',
    blocks: 'Blocchi trovati',
    balance: 'Saldo',
    notProven: 'non ancora dimostrato',
    provenAt: (height) => `dimostrato al blocco ${height}`,
    measured: 'Misurato',
    confirmed: 'Confermato',
    sinceOpen: 'da quando la pagina è aperta',
    head: 'Ultimo blocco',
    headOf: (height, age) => `${height}, ${age}`,
    noHead: 'ancora nessuno',
    peers: 'Pari',
    peersAgree: (_, agreeing, all) => `${agreeing} su ${all} d’accordo`,
    stale: (age) => `L’ultimo blocco è arrivato ${age}: questi numeri possono essere vecchi.`,
    nobodyMines: (age) => `L’ultimo blocco è arrivato ${age}: forse adesso nessuno mina.`,
    startHere: 'Mina qui il prossimo',
    model: 'Modello',
    backendGpu: 'WebGPU',
    backendCpu: 'processore',
    backUp: 'Le tue monete dipendono da 24 parole che non hai ancora scritto.',
    backUpNow: 'Scrivile',
  },
  sentence: {
    off: 'Ferma. Non sta girando nulla.',
    starting: 'Parto…',
    loading: 'Carico il modello.',
    testing:
      'Provo il dispositivo: deve dare esattamente il risultato giusto. Lo schermo può avere un ' +
      'singhiozzo.',
    runningGpu: 'Al lavoro sulla scheda grafica.',
    runningCpu: 'Al lavoro sul processore.',
    held: 'In attesa: ora non si calcola nulla.',
    needsModel: 'In attesa di un modello: senza, i blocchi sottostanti non si possono verificare.',
    checksBlocks: 'Verifico i blocchi su cui ho costruito.',
    finishing: 'Finisco l’unità in lavoro, poi mi fermo.',
    paused: 'In pausa. Quello che hai completato resta.',
    noPeers:
      'Nessun pari: il lavoro continua, ma un blocco trovato ora non si può annunciare. ' +
      'Controlla la connessione.',
    syncing: 'Raggiungo la catena.',
    failed: 'Ferma per un problema.',
  },
  headLine: {
    old: 'vecchio',
    agree: (_, agreeing, all) => `nodi: ${agreeing} su ${all} d’accordo`,
    asking: (n, shown) =>
      counted(n, { one: 'chiedo all’unico pari', other: `chiedo a ${shown} pari` }),
  },
  care: {
    intensity: 'Intensità',
    intensityWhy:
      'Quanta parte del tempo può prendere il lavoro. Rallenta da sola quando la pagina va a scatti.',
    intensities: {
      25: '25 %: non dovresti accorgertene',
      50: '50 %: tranquilla',
      100: '100 %: alla massima velocità',
    },
    reasons: {
      battery:
        'Il computer va a batteria. Il lavoro riprende quando è collegato alla corrente e ha ' +
        'ricaricato il 5 %.',
      pressure: 'Più piano per ora: il processore è occupato o caldo.',
      frames: 'Più piano per ora: la pagina va a scatti.',
      hidden: 'A metà velocità: la scheda è nascosta.',
    },
    anyway: 'Continua comunque per 30 min',
  },
  conditions: {
    insecure:
      'Questa pagina è arrivata da un indirizzo non sicuro, e allora i browser non le danno né chiavi né ' +
      'processi. Aprila con https://, o con http://localhost sul computer che la serve.',
    browserOld: (names) =>
      `A questo browser manca quello che serve a Pila: ${names}. Aggiornalo, o usa Chrome, Edge, Firefox o Safari recenti.`,
    versionOld:
      'Questa pagina è più vecchia della sua rete: quello che calcola sarebbe rifiutato. Ricarica per avere la versione nuova.',
    reload: 'Ricarica',
    clockFast: (by) =>
      `L’orologio di questo dispositivo è avanti di ${by}: i suoi blocchi sarebbero rifiutati. Regolalo e ricarica.`,
    clockSlow: (by) =>
      `L’orologio di questo dispositivo è indietro di ${by}: rifiuterebbe i blocchi degli altri. Regolalo e ricarica.`,
    room: (size) =>
      `Questo browser dà a Pila solo ${size} di spazio, come fanno le finestre private, che dimenticano tutto ` +
      'quando si chiudono. Usa una finestra normale, o scrivi subito le 24 parole.',
    noFiles:
      'Questa finestra non lascia conservare file a Pila, come le finestre private, che dimenticano tutto quando ' +
      'si chiudono. Usa una finestra normale, o scrivi subito le 24 parole.',
    noWebGpu: 'Questo browser non dà accesso alla scheda grafica: lavora il processore, più lento.',
    battery: 'Questo computer va a batteria: il lavoro comincia quando è collegato alla corrente.',
  },
  reasons: {
    stale: 'troppo tardi: la catena era già avanti',
    recheck: 'senza conferma dal controllo sul processore',
    refused: 'fuori dalle regole della catena',
    unknown: (reason) => reason,
    noGpu: (why) => `La scheda grafica non è usata: ${why}`,
  },
  proof: {
    title: 'Come lo so?',
    balance:
      'Nessun server ha detto questo numero. Un pari, o la copia dello stato su questo dispositivo, ' +
      'ha dato il conto con una prova, verificata qui contro il blocco, e così il lavoro nel blocco.',
    height: 'Blocco',
    id: 'Identità del blocco',
    bytes: 'Grandezza della prova',
    checked: 'Prove di lavoro verificate qui',
    agreeing: 'Pari con la stessa testa',
    time: 'Ora del blocco',
    rate:
      'Unità e ritmo sono contati su questo dispositivo da quando la pagina è aperta; il ritmo ' +
      'riguarda le ultime unità. Nessun altro li ha verificati.',
    rejected:
      'Un’unità è scartata solo per un motivo visto da questo dispositivo: un altro blocco è arrivato ' +
      'prima, il suo controllo sul processore non concordava, o le regole hanno rifiutato il blocco.',
    blocks:
      'I blocchi trovati sono vincite fatte e verificate da questo dispositivo. Se la catena ne tiene ' +
      'uno si vede nelle intestazioni che verifica: i tuoi sigillano la pila, e pagano.',
    immature:
      'La paga in maturazione sta nello stesso conto dimostrato: ogni voce ha l’altezza da cui si spende.',
  },
  wallet: {
    spendable: 'Spendibile',
    immature: 'In maturazione',
    immatureWhy: (n, shown) =>
      counted(n, {
        one: 'Paga dei blocchi che hai trovato: spendibile quando sopra ce n’è un altro.',
        other: `Paga dei blocchi che hai trovato: spendibile quando sopra ce ne sono altri ${shown}.`,
      }),
    receive: 'Ricevi',
    send: 'Invia',
    faucet: 'Monete di prova',
    faucetDone: 'Chieste. Arrivano con uno dei prossimi blocchi.',
    unlockOnce: 'Sblocca le chiavi una volta.',
    unlockOnceWhy:
      'Le ha salvate una versione precedente di Pila. Dopo averle aperte, questo dispositivo si accorge se ' +
      'qualcuno ne cambia l’indirizzo.',
    noKeys: 'Su questo dispositivo non ci sono ancora chiavi.',
    noKeysWhy:
      'Le chiavi sono 24 parole create qui. Non lasciano mai questo dispositivo, e nessuno può ' +
      'ridartele se le perdi.',
    create: 'Crea nuove chiavi',
    restore: 'Ripristina da 24 parole',
    notBackedUp:
      'Le tue 24 parole non sono scritte. Se questo browser le dimentica, le monete sono perse.',
    sendAfterBackup: 'L’invio si apre quando le parole sono scritte.',
    backUp: 'Scrivi le parole',
    locked: 'Bloccato: il saldo si vede, inviare non si può.',
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
        one: 'non ancora definitivo: nessun blocco sopra',
        other: `non ancora definitivo: ${have} di ${need} blocchi`,
      }),
    youngPayer: 'da un conto altrettanto nuovo: se la catena cambia lì, va firmato di nuovo',
    neverFinal: 'non definitivo: forse valgono regole più nuove',
    reorganised: (n, shown) =>
      counted(n, {
        one: 'La catena ha cambiato il suo ultimo blocco. Il saldo è stato dimostrato di nuovo.',
        other: `La catena ha cambiato i suoi ultimi ${shown} blocchi. Il saldo è stato dimostrato di nuovo.`,
      }),
    pendingState: {
      pending: 'aspetta un blocco',
      confirmed: 'nella catena',
      expired: 'scaduto: nulla è stato pagato',
      refused: 'rifiutato: nulla è stato pagato',
      replaced: 'sostituito da un altro tuo',
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
    confirmTitle: 'È giusto?',
    decoded: 'Letto dalla cassaforte negli stessi byte che firmerà.',
    total: 'In tutto',
    expiry: 'Valido fino al blocco',
    confirm: 'Firma e invia',
    change: 'Correggi',
    done: 'Inviato',
    doneWhy:
      'La rete lo ha. È definitivo quando sta in un blocco con abbastanza altri sopra; puoi seguirlo ' +
      'sotto «In attesa».',
    compare: 'Confronta ogni gruppo con l’indirizzo che ti hanno dato.',
  },
  backup: {
    title: 'Scrivi 24 parole',
    intro:
      'Prendi carta e penna. Chi ha queste parole ha le tue monete; senza di esse un ' +
      'dispositivo perso vuol dire monete perse. Non fotografarle.',
    show: 'Mostra le parole',
    passphrase: 'La tua frase segreta',
    written: 'Le ho scritte',
    quizTitle: 'Controllo',
    question: (place) => `Qual è la parola numero ${place}?`,
    check: 'Controlla',
    done: 'Fatto',
    doneWhy:
      'Le parole sono controllate. Ora puoi inviare. Tieni il foglio lontano da fuoco e acqua.',
    back: 'Mostra di nuovo le parole',
  },
  protect: {
    title: 'Frase segreta',
    intro:
      'Una frase segreta cifra le chiavi su questo dispositivo. Non sostituisce le 24 parole: se la dimentichi, ' +
      'aiutano solo quelle.',
    passphrase: 'Frase segreta',
    suggested: 'Pila ha preparato questa per te. Scrivila prima di usarla:',
    suggest: 'Proponine un’altra',
    repeat: 'Di nuovo la stessa',
    differs: 'Le due non sono uguali.',
    show: 'Mostra',
    hide: 'Nascondi',
    where:
      'Un gestore di password a parte è un buon posto. Questo browser no: chi ne copia i dati avrebbe entrambe le cose.',
    set: 'Imposta la frase',
    slow: 'Ci mette un secondo apposta.',
    fromStart: 'Scelta ora, le sigilla fin dall’inizio.',
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
    first: 'Prima dillo qui sopra.',
    title: 'Cancella le chiavi',
    intro:
      'Le chiavi vengono tolte da questo dispositivo. Senza le 24 parole nessuno potrà mai più ' +
      'muovere le monete.',
    balance: (amount) => `Su questo indirizzo ci sono ${amount} VLT.`,
    sure: 'Ho le 24 parole, oppure rinuncio a queste monete',
    go: 'Cancella per sempre',
  },
  settings: {
    title: 'Impostazioni',
    language: 'Lingua',
    theme: 'Aspetto',
    themes: { auto: 'Come il dispositivo', light: 'Carta', dark: 'Notte' },
    network: 'Rete',
    unlaunched: 'Questa è una rete di prova: le sue monete non valgono nulla.',
  },
  outlook: {
    ended:
      'Le regole di questa rete sono forse cambiate: quasi tutti i blocchi più nuovi ne conoscono che questa versione ' +
      'non conosce. Qui nessun pagamento è definitivo finché non aggiorni. Chiavi e monete restano come sono.',
    changing:
      'Arriva una nuova versione delle regole: alcuni dei blocchi più nuovi la conoscono già. Aggiorna presto.',
    weak: 'La rete ha perso quasi tutta la sua potenza. Per essere definitivi i pagamenti vogliono dieci volte più blocchi.',
  },
  update: {
    ready: 'C’è una nuova versione.',
    go: 'Riavvia',
    goAfter: 'Riavvia dopo questa unità',
  },
  common: {
    cancel: 'Annulla',
    close: 'Chiudi',
    done: 'Fatto',
    dismiss: 'Va bene',
    wait: 'Un momento…',
    working: 'Al lavoro',
    framed: 'Pila non gira dentro un’altra pagina.',
    openOwn: 'Aprila in una scheda sua',
    code: 'codice',
  },
  secret: {
    covered: 'Il segreto è coperto, perché da un po’ nessuno guardava o toccava nulla.',
    show: 'Mostralo di nuovo',
  },
  confirm: { soon: 'Prima leggi: fra un attimo si può premere.' },
  forms,
  errors,
};
