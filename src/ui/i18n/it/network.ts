/** The Network screen and the explorer. */
import type { network as english } from '../en/network.ts';
import { inItalian as counted } from '../plurals.ts';

export const network: typeof english = {
  title: 'Rete',
  plate: 'Tav. IV · La rete',
  connecting: 'Cerco dei pari…',
  head: {
    title: 'La catena',
    height: 'Ultimo blocco',
    none: 'ancora nessuno',
    stale: (age) => `L’ultimo blocco è arrivato ${age}: ciò che vedi può non essere aggiornato.`,
    agree: 'Pari con la stessa testa',
    of: (some, all) => `${some} su ${all}`,
    sync: 'Questo dispositivo',
    syncs: {
      connecting: 'cerca dei pari',
      syncing: 'si sta allineando',
      synced: 'è in testa',
      offline: 'non ha pari',
    },
    difficulty: 'Difficoltà',
    perBlock: (work) => `${work} per blocco`,
    rate: 'Ritmo che rappresenta',
    rateWhy: (time) => `un blocco ogni ${time}`,
    waiting: 'Transazioni in attesa',
    work: 'Lavoro di tutta la catena',
    checked: 'Prove di lavoro verificate qui',
    genesis: 'Primo blocco',
    network: 'Rete',
    trial: 'di prova: le sue monete non valgono nulla',
  },
  supply: {
    title: 'Monete',
    issued: 'Create',
    issuedWhy: 'secondo le regole, fino all’ultimo blocco',
    burned: 'Bruciate',
    burnedWhy: 'pagamenti sotto 0,01 VLT a chi non aveva un conto',
    held: 'Possedute',
    heldWhy: (n, shown) =>
      counted(n, {
        one: 'in un conto, nei blocchi nuovi e messe da parte per le risposte',
        other: `in ${shown} conti, nei blocchi nuovi e messe da parte per le risposte`,
      }),
    unknown: 'qui non si sa',
    unknownWhy: 'questo dispositivo non ha ancora tutto lo stato',
  },
  state: {
    title: 'Stato posseduto',
    yes: 'intero',
    no: 'a parti',
    yesWhy: 'Ogni conto è su questo dispositivo. Non chiede a nessuno, e risponde agli altri.',
    noWhy: 'Questo dispositivo chiede ai pari le prove di ciò che gli serve, e le verifica.',
  },
  peers: {
    title: 'Pari',
    none: 'Ancora nessuno. Pila continua a cercare.',
    links: {
      webrtc: 'diretto, WebRTC',
      'webrtc-direct': 'nodo, WebRTC',
      websocket: 'nodo, WebSocket',
      relayed: 'tramite un ripetitore',
    },
    penalty: (n) => `penalità ${n} su 100`,
    counts: (direct, nodes, relayed) =>
      `diretti ${direct} · nodi ${nodes} · tramite altri ${relayed}`,
  },
  know: {
    title: 'Come lo so?',
    head:
      'Questo dispositivo tiene le intestazioni di tutti i blocchi. Ognuna nomina la precedente con ' +
      'il suo hash, e la sua prova di lavoro vale la difficoltà che porta. Le prove più nuove, e ' +
      'alcune più vecchie tirate a sorte, sono state verificate qui.',
    supplyIssued:
      'Create: 50 VLT a blocco, dimezzati ogni 2.102.400 blocchi; una rete di prova comincia con le ' +
      'monete del suo rubinetto. Chiunque può fare la somma.',
    supplyHeld:
      'Possedute: la somma di tutte le foglie dell’albero dello stato, la cui radice sta nelle ' +
      'intestazioni. È quanto è stato creato, se nessuno ha violato le regole: l’ha sommata questo dispositivo.',
    supplyNot:
      'Per sapere quante sono possedute serve tutto lo stato. Finché non è su questo dispositivo non si ' +
      'mostra: la parola di un nodo non sarebbe una prova.',
    newest:
      'Sono intestazioni della catena su questo dispositivo; non è stato chiesto a nessuno. Le ore le ' +
      'ha scritte chi ha trovato il blocco, entro i limiti delle regole.',
    links:
      'I collegamenti sono di questo dispositivo. Una penalità conta ciò che un pari ha mandato contro ' +
      'le regole: a 100 resta fuori dieci minuti, e un punto si perdona ogni 12 s.',
    waiting:
      'Le transazioni in attesa sono quelle nella riserva di questo dispositivo, ognuna verificata; ' +
      'altri possono conoscerne di più.',
    peers:
      'Un pari è d’accordo se ha detto la stessa testa. Ai pari non si crede: ciò che mandano si verifica.',
  },
  newest: {
    title: 'Ultimi blocchi',
    block: (height) => `Blocco ${height}`,
    by: 'trovato da',
    mine: 'te',
    none: 'Ancora nessun blocco.',
  },
  search: {
    label: 'Cerca qualcosa',
    note: 'L’altezza di un blocco; l’ID di un blocco o di una transazione; o un indirizzo.',
    go: 'Cerca',
    looking: 'Cerco…',
    problems: {
      LOOKUP_EMPTY: 'Scrivi un’altezza, un identificativo o un indirizzo.',
      LOOKUP_MALFORMED:
        'Non è un’altezza, né un identificativo, né un indirizzo. Un identificativo ha 64 cifre da 0 a f; un indirizzo comincia col nome della rete.',
      LOOKUP_UNKNOWN:
        'Nessuno raggiungibile conosce questo identificativo sulla catena che il dispositivo segue. Può essere di un’altra rete, o non è mai entrato in un blocco.',
      ADDRESS_CHECKSUM:
        'Una lettera di questo indirizzo è sbagliata, manca o è fuori posto. Copialo di nuovo.',
      ADDRESS_NETWORK: 'Questo indirizzo è di un’altra rete.',
    },
  },
  page: {
    back: 'Alla rete',
    looking: 'Lo cerco…',
    again: 'Riprova',
    code: 'codice',
    noBlock: 'Questo blocco non è sulla catena che il dispositivo segue.',
    noTx: 'Nessun blocco e nessuna attesa a portata contiene questa transazione.',
    badId: 'Non è un identificativo: dovrebbe avere 64 cifre da 0 a f.',
    badHeight: 'Non è un’altezza né l’identificativo di un blocco.',
  },
  block: {
    title: (height) => `Blocco ${height}`,
    genesis: 'Il primo blocco',
    id: 'Identificativo',
    previous: 'Blocco prima',
    next: 'Blocco dopo',
    time: 'Ora',
    miner: 'Pagato a',
    depth: 'Blocchi sopra',
    work: 'Lavoro',
    model: 'Modello',
    txs: (n) => `Transazioni: ${n}`,
    noTxs: 'Nessuna: il blocco paga solo chi l’ha trovato.',
    noBody: 'Nessun pari a portata ha ancora le sue transazioni.',
    chained:
      'La sua intestazione è una della catena su questo dispositivo, in cui ognuna nomina la precedente. La sua radice MMR impegna tutti i blocchi prima, col loro lavoro.',
    firstOne:
      'Il primo blocco segue dalle regole della rete e dall’ora che porta. Non ha lavoro né transazioni.',
    checked: (linear, bytes) =>
      `La sua prova di lavoro è stata verificata su questo dispositivo: ${bytes} byte che aprono una tessera del lineare ${linear} del modello.`,
    under: (n, checked) =>
      `La sua prova non è su questo dispositivo. Blocchi sopra: ${n}. Prove di questa catena verificate qui, le più nuove e un campione a sorte: ${checked}.`,
    body: 'Le sue transazioni, riassunte qui, danno la radice del corpo che sta nell’intestazione.',
    state:
      'La radice dello stato è di prima di questo blocco; l’intestazione dopo porta quella di dopo.',
    roots: {
      mmr: 'Radice MMR',
      body: 'Radice del corpo',
      state: 'Radice dello stato',
      digest: 'Riassunto della prova',
    },
  },
  tx: {
    title: 'Transazione',
    kinds: {
      transfer: 'Pagamento',
      channel: 'Prepagato',
      close: 'Prepagato, incassato',
    },
    waiting: 'aspetta un blocco',
    inBlock: (height, index) => `blocco ${height}, posto ${index}`,
    state: 'Si trova in',
    depth: 'Blocchi sopra',
    from: 'Da',
    to: 'A',
    amount: 'Importo',
    fee: 'Commissione',
    memo: 'Nota',
    nonce: 'Numero del mittente',
    expiry: 'Valida fino al blocco',
    bytes: (n) => `${n} byte`,
    prepaid: 'Messi da parte',
    prepaidWith: 'Prepagato con',
    payee: 'Chi viene pagato',
    signer: 'Chiave che può usarli',
    prepaidFor: 'Blocchi prima che il resto torni',
    prepaidIn: 'Messi da parte in',
    used: 'Usati, commissione compresa',
    inBody:
      'È stata letta dal corpo del suo blocco, che dà la radice scritta in un’intestazione della catena su questo dispositivo. Il suo identificativo è l’hash di ciò che dice, e la firma è stata verificata qui.',
    inPool:
      'Aspetta su questo dispositivo: la firma è giusta e la forma è valida. Nessun blocco la contiene ancora, e nessuno è obbligato.',
  },
  address: {
    title: 'Indirizzo',
    spendable: 'Spendibile',
    immature: 'In maturazione',
    nonce: 'Transazioni inviate',
    since: (block) => `Dal blocco ${block}, in cui ha avuto le prime monete.`,
    total: 'Transazioni in tutto',
    proven: (height) => `dimostrato al blocco ${height}`,
    history: 'Storia',
    none: 'Ancora nessuna transazione.',
    coinbases:
      'La paga dei blocchi, e ciò che torna inutilizzato alla scadenza, non sono transazioni: stanno solo nel saldo.',
    complete: (n) =>
      `Completa, come le conta il conto dimostrato: ${n}. Ognuna nomina la precedente.`,
    part: (some, all) =>
      `Le ultime ${some} su ${all}; ognuna nomina la precedente, quindi in mezzo non ne manca nessuna.`,
    unlinked: (some, all) =>
      `${some} su ${all}. Ognuna sta nel suo blocco, ma non è dimostrato che in mezzo non ce ne siano altre.`,
    more: 'Quelle prima',
    watch: 'Continua a guardarlo nel portafoglio',
    leaf: (bytes) =>
      `Un pari, o la copia dello stato su questo dispositivo, ha dato la foglia del conto con una prova di ${bytes} byte. Porta alla radice dello stato che segue dal blocco qui sotto, la cui prova di lavoro è stata verificata qui.`,
    entries:
      'Ogni transazione qui sotto è stata letta dal corpo del suo blocco e verificata con la sua intestazione.',
  },
  report: {
    title: 'Rapporto per gli errori',
    why: 'Ciò che Pila sa di sé, da allegare a una segnalazione. Non contiene chiavi, parole, indirizzi, importi, testi; dei pari dice come sono collegati, non chi sono né dove. Non parte nulla: prima lo vedi tutto.',
    make: 'Prepara il rapporto',
    again: 'Preparalo di nuovo',
    all: 'Tutto ciò che contiene',
    download: 'Scarica',
    copy: 'Copia',
    copied: 'Copiato.',
    copyFailed: 'Il browser non permette di copiare. Seleziona il testo.',
  },
};
