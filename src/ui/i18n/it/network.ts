/** The Network screen and the explorer. */
import type { network as english } from '../en/network.ts';
import { inItalian as counted } from '../plurals.ts';

export const network: typeof english = {
  title: 'Rete',
  plate: 'Tav. IV · La rete',
  connecting: 'Pila cerca altri nodi…',
  head: {
    title: 'La catena',
    height: 'Ultimo blocco',
    none: 'ancora nessuno',
    stale: (age) => `L’ultimo blocco è arrivato ${age}: ciò che vedi può non essere aggiornato.`,
    agree: 'Nodi con lo stesso ultimo blocco',
    of: (some, all) => `${some} su ${all}`,
    sync: 'Questo dispositivo',
    syncs: {
      connecting: 'cerca altri nodi',
      syncing: 'si sta aggiornando',
      synced: 'è aggiornato',
      offline: 'non trova altri nodi',
    },
    difficulty: 'Difficoltà',
    perBlock: (work) => `${work} per blocco`,
    rate: 'Moltiplicazioni al secondo',
    rateWhy: (time) => `dalla difficoltà: un blocco ogni ${time}`,
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
    burnedWhy: 'pagamenti sotto 0,01 VLT a indirizzi senza un conto',
    held: 'Possedute',
    heldWhy: (n, shown) =>
      counted(n, {
        one: 'in un conto, nei blocchi nuovi e messe da parte per le risposte',
        other: `in ${shown} conti, nei blocchi nuovi e messe da parte per le risposte`,
      }),
    unknown: 'qui non si sa',
    unknownWhy: 'questo dispositivo non ha ancora tutti i conti',
  },
  state: {
    title: 'Copia completa di tutti i conti',
    yes: 'sì',
    no: 'no',
    yesWhy: 'Ogni conto è su questo dispositivo: non chiede a nessuno, e risponde agli altri.',
    noWhy: 'Questo dispositivo chiede ad altri nodi le prove di ciò che gli serve, e le verifica.',
  },
  peers: {
    title: 'Nodi',
    none: 'Ancora nessuno. Pila continua a cercare.',
    links: {
      webrtc: 'diretto, WebRTC',
      'webrtc-direct': 'nodo fisso, WebRTC',
      websocket: 'nodo fisso, WebSocket',
      relayed: 'tramite un ripetitore',
    },
    penalty: (n) => `penalità ${n} su 100`,
    counts: (direct, nodes, relayed) => [
      `diretti ${direct}`,
      `fissi ${nodes}`,
      `tramite altri ${relayed}`,
    ],
  },
  know: {
    title: 'Come lo sappiamo?',
    head: 'Questo dispositivo tiene le intestazioni di tutti i blocchi. Ognuna porta l’impronta della precedente, e una prova del lavoro che la sua difficoltà richiede. Le prove più recenti, e alcune più vecchie estratte a sorte, sono state verificate qui.',
    supplyIssued:
      'Create: 50 VLT a blocco, dimezzati ogni 2.102.400 blocchi; una rete di prova comincia con le ' +
      'monete del suo rubinetto. Chiunque può fare la somma.',
    supplyHeld:
      'Possedute: la somma di tutti i conti, la cui impronta sta nelle intestazioni. Se nessuno ha violato le regole è quanto è stato creato; la somma l’ha fatta questo dispositivo.',
    supplyNot:
      'Per sapere quante sono possedute servono tutti i conti. Finché non sono su questo dispositivo non si mostra: la parola di un nodo non sarebbe una prova.',
    newest:
      'Sono blocchi della catena su questo dispositivo; non è stato chiesto a nessuno. L’ora l’ha scritta chi ha trovato il blocco, entro i limiti delle regole.',
    links:
      'I collegamenti sono di questo dispositivo. Una penalità conta ciò che un nodo ha mandato contro le regole: a 100 resta fuori per dieci minuti, e ogni 12 s si perdona un punto.',
    waiting:
      'Le transazioni in attesa sono quelle arrivate a questo dispositivo, ognuna verificata; altri possono conoscerne di più.',
    peers:
      'Un nodo concorda se ha indicato lo stesso ultimo blocco. Ai nodi non si crede sulla parola: ciò che mandano si verifica.',
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
    note: 'Il numero di un blocco, l’ID di un blocco o di una transazione, o un indirizzo.',
    go: 'Cerca',
    looking: 'Ricerca in corso…',
    problems: {
      LOOKUP_EMPTY: 'Scrivi un numero di blocco, un ID o un indirizzo.',
      LOOKUP_MALFORMED:
        'Non è un numero di blocco, né un ID, né un indirizzo. Un ID ha 64 caratteri, da 0 a 9 e da a a f; un indirizzo comincia con il nome della rete.',
      LOOKUP_UNKNOWN:
        'Nessun nodo raggiungibile conosce questo ID sulla catena che il dispositivo segue. Può essere di un’altra rete, o non essere mai entrato in un blocco.',
      ADDRESS_CHECKSUM:
        'Un carattere di questo indirizzo è sbagliato, manca o è fuori posto. Copialo di nuovo.',
      ADDRESS_NETWORK: 'Questo indirizzo è di un’altra rete.',
    },
  },
  page: {
    back: 'Torna alla rete',
    looking: 'Ricerca in corso…',
    again: 'Riprova',
    code: 'codice',
    noBlock: 'Questo blocco non è sulla catena che il dispositivo segue.',
    noTx: 'Nessun nodo raggiungibile conosce questa transazione.',
    badId: 'Non è un ID: dovrebbe avere 64 caratteri, da 0 a 9 e da a a f.',
    badHeight: 'Non è un numero di blocco né l’ID di un blocco.',
  },
  block: {
    title: (height) => `Blocco ${height}`,
    genesis: 'Il primo blocco',
    id: 'ID',
    previous: 'Blocco precedente',
    next: 'Blocco successivo',
    time: 'Ora',
    miner: 'Pagato a',
    depth: 'Blocchi sopra',
    work: 'Lavoro',
    model: 'Modello',
    txs: (n) => `Transazioni: ${n}`,
    noTxs: 'Nessuna: il blocco paga solo chi l’ha trovato.',
    noBody: 'Nessun nodo raggiungibile ha ancora le sue transazioni.',
    chained:
      'La sua intestazione fa parte della catena su questo dispositivo, in cui ognuna porta l’impronta della precedente. Porta anche un’unica impronta di tutti i blocchi precedenti, con il loro lavoro.',
    firstOne:
      'Il primo blocco segue dalle regole della rete e dalla sua ora. Non ha lavoro né transazioni.',
    checked: (linear, bytes) =>
      `La sua prova di lavoro è stata verificata su questo dispositivo: ${bytes} byte, su una parte delle moltiplicazioni nello strato ${linear} del modello.`,
    under: (n, checked) =>
      `La sua prova non è su questo dispositivo. Blocchi sopra: ${n}. Prove di questa catena verificate qui, le più nuove e un campione a sorte: ${checked}.`,
    body: 'L’impronta delle sue transazioni, calcolata qui, è quella che sta nella sua intestazione.',
    state:
      'La sua impronta dei conti è di tutti i conti prima di questo blocco; quella di dopo sta nell’intestazione successiva.',
    prints: {
      body: 'Impronta delle sue transazioni',
      state: 'Impronta di tutti i conti',
      mmr: 'Impronta dei blocchi precedenti',
      digest: 'Impronta della sua prova di lavoro',
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
    inBlock: (height, index) => `blocco ${height}, posizione ${index}`,
    state: 'Si trova in',
    depth: 'Blocchi sopra',
    from: 'Da',
    to: 'A',
    amount: 'Importo',
    fee: 'Commissione',
    memo: 'Nota',
    nonce: 'Numero fra quelle del mittente',
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
      'È stata letta dal suo blocco, la cui impronta sta in un’intestazione della catena su questo dispositivo. Il suo ID è l’impronta di ciò che dice, e la firma è stata verificata qui.',
    inPool:
      'È in attesa su questo dispositivo: firma e forma sono giuste. Non è ancora in un blocco, e nessun blocco è obbligato a prenderla.',
  },
  address: {
    title: 'Indirizzo',
    own: (name, isName) => (isName ? `Il tuo conto «${name}».` : `Il tuo conto n. ${name}.`),
    contact: (name) => `Il tuo contatto «${name}».`,
    watched: (name) => `Osservi questo indirizzo come «${name}».`,
    spendable: 'Spendibile',
    immature: 'Non ancora spendibile',
    nonce: 'Transazioni inviate',
    since: (block) => `Dal blocco ${block}, in cui ha ricevuto le prime monete.`,
    total: 'Tutte le transazioni',
    proven: (height) => `dimostrato al blocco ${height}`,
    history: 'Cronologia',
    none: 'Ancora nessuna transazione.',
    coinbases:
      'Il guadagno dei blocchi, e ciò che torna inutilizzato alla scadenza, non sono transazioni: si vedono solo nel saldo.',
    complete: (n) =>
      `Completa, come le conta il conto dimostrato: ${n}. Ognuna nomina la precedente.`,
    part: (some, all) =>
      `Le ultime ${some} su ${all}; ognuna nomina la precedente, quindi in mezzo non ne manca nessuna.`,
    unlinked: (some, all) =>
      `${some} su ${all}. Ognuna sta nel suo blocco, ma non è dimostrato che in mezzo non ce ne siano altre.`,
    more: 'Precedenti',
    watch: 'Continua a osservarlo nel portafoglio',
    leaf: (bytes) =>
      `Un nodo, o la copia di tutti i conti su questo dispositivo, ha dato questo conto con una prova di ${bytes} byte. La prova è stata verificata sul blocco qui sotto, la cui prova di lavoro è stata verificata qui.`,
    entries:
      'Ogni transazione qui sotto è stata letta dal suo blocco e verificata con l’intestazione del blocco.',
  },
  report: {
    title: 'Segnalazione di errori',
    why: 'Ciò che Pila sa di sé, da allegare quando segnali un errore. Non contiene chiavi, parole, indirizzi, importi o testi tuoi; degli altri nodi dice come sono collegati, non chi sono né dove. Non viene inviato nulla: prima vedi tutto.',
    make: 'Prepara il rapporto',
    again: 'Preparalo di nuovo',
    all: 'Tutto ciò che contiene',
    download: 'Scarica',
    copy: 'Copia',
    copied: 'Copiato.',
    copyFailed: 'Il browser non permette di copiare. Seleziona il testo.',
  },
};
