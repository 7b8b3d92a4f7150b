import type { KeyringText } from '../en/keyring.ts';
import { inItalian as counted } from '../plurals.ts';

export const keyring: KeyringText = {
  payee: {
    contact: (name) => `Il tuo contatto «${name}».`,
    account: (name) => `Il tuo conto «${name}».`,
    watched: (name) => `Osservi questo indirizzo come «${name}».`,
    paid: 'Già pagato.',
    never: 'Mai pagato prima.',
    unseen: (shown, total) => `Non pagato nelle transazioni note qui: ${shown} su ${total}.`,
    alike: (name) => `Somiglia a ${name}, ma è un altro indirizzo`,
    alikeWhy:
      'Forse qualcuno l’ha fatto per confonderlo con quello che conosci. I gruppi segnati sono diversi.',
    knownOne: 'Quello che conosci',
    thisOne: 'Quello che sarebbe pagato',
    mine: 'un indirizzo che hai pagato',
    sure: 'Li ho confrontati con l’indirizzo che mi è stato dato: è quello giusto',
    theirs: 'un indirizzo che ti ha pagato',
    sureOfAll: 'Ho confrontato tutto l’indirizzo con quello che mi è stato dato',
    compareAll:
      'Qui non è ancora noto chiunque tu abbia pagato: confronta tutto l’indirizzo, e dillo qui sopra.',
    compareFirst: 'Prima confronta i due indirizzi, e dillo qui sopra.',
    remember: 'Nome per questo indirizzo, per riconoscerlo la prossima volta',
    keep: 'Tieni tra i contatti',
    kept: 'Tenuto.',
    pick: 'Dai tuoi contatti',
    none: 'nessuno',
  },
  contacts: {
    title: 'Contatti',
    why: 'Nomi che hai dato a indirizzi. Restano su questo dispositivo.',
    remove: (name) => `Togli ${name}`,
    removeShort: 'Togli',
  },
  seal: 'Sigillo: lo stesso indirizzo ha sempre lo stesso',
  summary: {
    amount: 'Importo',
    fee: 'Commissione',
    from: 'Da',
    memo: 'Nota, pubblica per sempre',
    chain: (network, id) => `${network}, catena ${id}`,
    unknownChain: 'sconosciuta',
    nonce: 'Numero tra i tuoi pagamenti',
  },
  changed: {
    again: 'Nulla è stato inviato: qualcosa è cambiato da quando hai guardato. Riguarda.',
    nonce: 'Un altro pagamento da questo conto è venuto prima: questo ha avuto un altro numero.',
    fee: 'Le commissioni ora sono altre.',
    expiry: 'È passato del tempo: vale fino a un blocco successivo.',
    spendable: 'Da questo conto si può spendere meno di prima.',
  },
  lock: {
    label: 'Si bloccano se non usate per',
    minutes: (n) => `${n} min`,
    why: 'Anche dopo un minuto in cui nessuno vede questa pagina. Il lavoro continua, ed è pagato.',
  },
  passkey: {
    title: 'Passkey',
    add: 'Aggiungi una passkey',
    remove: 'Togli la passkey',
    yes: 'Una passkey apre le chiavi accanto alla frase segreta.',
    no: 'Una passkey può aprire le chiavi con impronta, volto o PIN, accanto alla frase segreta.',
    why:
      'Una scorciatoia, mai la radice: se la passkey viene cancellata la frase segreta apre ancora le ' +
      'chiavi, e le 24 parole le riportano.',
    go: 'Crea la passkey',
    unlock: 'Sblocca con la passkey',
    or: 'Oppure con la frase segreta:',
  },
  restore: {
    intro:
      'Scrivi o incolla le 24 parole: va bene anche un elenco con numeri o virgole. Non si vedono sullo schermo.',
    unknown: (n, places) =>
      counted(n, {
        one: `La parola ${places} non è nell’elenco.`,
        other: `Le parole ${places} non sono nell’elenco.`,
      }),
    like: (place) => `Parola ${place}: forse volevi scrivere`,
    endings: 'La parola può essere',
    show: 'Mostra le parole per vedere quelle simili.',
  },
  file: {
    export: 'Salva in un file',
    exportTitle: 'File del portafoglio',
    exportWhy:
      'Chiavi sigillate dalla tua frase segreta, nomi dei conti, contatti e indirizzi osservati. Chi ha il ' +
      'file può provare a indovinare la frase segreta quanto vuole: tienilo dove arrivi solo tu. Non ' +
      'sostituisce le 24 parole, e non contiene né conversazioni né risposte né i testi in cui cerchi.',
    first: 'Imposta prima una frase segreta: è lei a sigillare il file.',
    save: 'Salva il file',
    import: 'Apri un file del portafoglio',
    importTitle: 'Apri un file del portafoglio',
    importWhy: 'Il file fatto da «Salva in un file», e la frase segreta di allora.',
    chooseFirst: 'Prima scegli il file e scrivi la sua frase segreta.',
    choose: 'File del portafoglio',
    open: 'Aprilo',
    openDear: 'Aprilo lo stesso',
    stop: 'Interrompi l’apertura',
    weak: 'La frase segreta di questo file si indovina facilmente. Impostane un’altra e cancella il vecchio file.',
    saved: 'Salvato.',
  },
  csv: {
    save: 'Salva in CSV',
    time: 'Ora (UTC)',
    block: 'Blocco',
    kind: 'Tipo',
    change: 'Variazione in VLT',
    fee: 'Commissione in VLT',
    other: 'Altra parte',
    memo: 'Nota',
    name: 'Contatto',
    own: 'Nota propria',
    remark: 'Osservazione',
    id: 'Transazione o blocco',
    rest: 'Non in queste righe',
    restWhy: 'ciò che il saldo contiene oltre a esse: precedente, o non dimostrato riga per riga',
    cut: (n, shown) =>
      counted(n, {
        one: 'Nel file c’è solo l’ultima transazione.',
        other: `Nel file ci sono solo le ultime ${shown} transazioni.`,
      }),
  },
  scan: {
    open: 'Leggi un codice QR',
    close: 'Smetti di leggere',
    camera: 'Usa la fotocamera',
    picture: 'Scegli un’immagine',
    looking: 'Tieni il codice davanti alla fotocamera.',
    why: 'L’immagine resta su questo dispositivo.',
  },
};
