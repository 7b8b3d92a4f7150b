import type { WalletText } from '../en/wallet.ts';
import { inItalian as counted } from '../plurals.ts';

export const wallet: WalletText = {
  gift: {
    asked: 'Richieste. Arrivano con uno dei prossimi blocchi.',
    come: (amount) =>
      amount
        ? `Le tue monete di prova sono arrivate: ${amount} VLT.`
        : 'Le tue monete di prova sono arrivate.',
    waits: 'Le tue monete di prova aspettano un blocco, e sembra che nessuno stia minando.',
  },
  hindered: {
    words: 'Potrai inviare dopo aver scritto le parole.',
    nothing: 'Non c’è ancora nulla da inviare.',
    locked: (amount, height) =>
      `Non c’è ancora nulla da inviare: i ${amount} VLT dei blocchi che hai trovato si potranno spendere al più tardi dal blocco ${height}.`,
    waiting:
      'Ora non c’è nulla da inviare: i pagamenti in attesa di un blocco usano tutto ciò che hai.',
  },
  account: {
    label: 'Conto',
    first: (number) => `Conto ${number}`,
    add: 'Nuovo conto',
    rename: 'Rinomina',
    addTitle: 'Nuovo conto',
    addWhy:
      'Ha un indirizzo e monete suoi, dalle stesse 24 parole: non c’è altro da scrivere. Dopo un ' +
      'ripristino dalle parole i conti usati vengono ritrovati, i loro nomi no.',
    searching: 'Ricerca di altri conti di queste parole…',
    searchLocked: 'Per cercare altri conti di queste parole, sblocca il portafoglio.',
    searchFailed: 'Non è stato possibile cercare altri conti di queste parole.',
    searchAgain: 'Cerca di nuovo',
    found: (n) =>
      counted(n, {
        one: 'Trovato un altro conto di queste parole.',
        other: `Trovati altri ${n} conti di queste parole.`,
      }),
    renameTitle: 'Nome del conto',
    nameWhy: 'Lo vedi solo tu, su questo dispositivo.',
    name: 'Nome',
    make: 'Crea e usa',
    save: 'Salva',
    paid: 'Il lavoro è pagato al conto in uso.',
  },
  watch: {
    title: 'Indirizzi osservati',
    why: 'Chiunque può guardare qualsiasi saldo. Qui è dimostrato come il tuo; non servono chiavi.',
    add: 'Osserva un indirizzo',
    address: 'Indirizzo',
    name: 'Nome (facoltativo)',
    go: 'Osserva',
    remove: (name) => `Non osservare più ${name}`,
    removeShort: 'Rimuovi',
    notProven: 'non ancora dimostrato',
    maturing: (amount) => `e ${amount} VLT non ancora spendibili`,
  },
  fee: {
    legend: 'Commissione',
    slow: 'Lenta',
    slowWhy: 'quando c’è posto in un blocco',
    normal: 'Normale',
    normalWhy: 'in uno dei prossimi sei blocchi',
    fast: 'Veloce',
    fastWhy: 'nel prossimo blocco',
    room: 'Nei blocchi c’è posto: basta la commissione minima.',
    custom: 'Un’altra commissione',
    least: (fee) => `Almeno ${fee} VLT: con meno non può sostituire il pagamento in attesa.`,
  },
  replace: {
    speedUp: 'Accelera',
    speedUpWhy:
      'Lo stesso pagamento con una commissione più alta. Solo uno dei due può entrare nella catena: non si paga due volte.',
    cancel: 'Annulla il pagamento',
    cancelWhy:
      'Invia a te stesso l’importo più piccolo al posto del pagamento, con una commissione più alta. Se entra prima in un blocco, il pagamento non ci entrerà mai. Se il pagamento è più veloce, resta valido.',
    lost: (rest) =>
      `Con questa commissione resterebbero ${rest}, meno degli 0,01 VLT che un conto deve avere: andrebbero a chi mina.`,
    cancelGo: 'Annulla il pagamento',
    keep: 'Non annullare',
    cancelSent: 'Annullamento inviato',
    cancelSentWhy: 'Vale quello dei due che entra prima in un blocco: guarda «In attesa».',
    cancellation: 'Annullamento di un pagamento',
    rival: 'lo sta sostituendo un tuo pagamento più recente',
    until: (n, height, left) =>
      counted(n, {
        one: `vale fino al blocco ${height}, ne manca uno`,
        other: `vale fino al blocco ${height}, ne mancano ${left}`,
      }),
  },
  pay: {
    paste: 'Un indirizzo, o un link di pagamento (pila:…)',
    asksAs: (label) => `Chi chiede si presenta come «${label}»`,
    message: (text) => `Messaggio: «${text}»`,
    unchecked: 'Lì chiunque può scrivere qualsiasi cosa. Solo l’indirizzo decide chi è pagato.',
  },
  receive: {
    request: 'Chiedi un importo',
    amount: 'Importo in VLT (facoltativo)',
    label: 'Il tuo nome (facoltativo)',
    qr: 'Codice QR del link di pagamento',
    link: 'Link di pagamento',
    copyLink: 'Copia il link',
    amountWrong: 'Scrivi un numero maggiore di zero, come 1,25, o lascia vuoto.',
  },
};
