import type { HistoryText } from '../en/history.ts';
import { inItalian as counted } from '../plurals.ts';

export const history: HistoryText = {
  title: 'Cronologia',
  filters: { label: 'Che cosa si vede', all: 'Tutto', payments: 'Pagamenti', work: 'Lavoro' },
  empty: 'Nulla ha ancora cambiato questo saldo.',
  none: 'Niente di questo tipo in ciò che si vede.',
  found: 'Blocco trovato',
  older: 'Precedenti',
  block: (height) => `blocco ${height}`,
  details: 'Dettagli',
  complete: (n, shown) =>
    counted(n, {
      one: 'Completa: l’unica transazione del conto. Il conto dimostrato la conta.',
      other: `Completa: tutte le ${shown} transazioni. Ognuna nomina la precedente, e l’ultima è nel conto dimostrato.`,
    }),
  linked: (shown, total) =>
    `Le transazioni più recenti, ${shown} su ${total}, nessuna esclusa: ognuna nomina la precedente.`,
  partial: (shown, total) =>
    `Transazioni note qui: ${shown} su ${total}. Che non ne manchi nessuna in mezzo non è dimostrato.`,
  blocks: 'I blocchi si trovano nelle intestazioni controllate qui: non ne manca nessuno.',
  least: 'almeno: può aggiungersi ciò che piccoli conti hanno perso in questo blocco',
  unknown: 'importo non noto: nessuno ha fornito l’apertura del canale',
  channel: {
    open: (limit) => `${limit} VLT messi da parte, in uso`,
    closed: (limit, spent) => `usati ${spent} VLT su ${limit}; il resto è tornato`,
    returned: (limit) => `${limit} VLT tornati inutilizzati alla scadenza`,
  },
  opening: 'La sua apertura',
  answers: (n, shown) =>
    counted(n, { one: 'Una risposta conservata', other: `${shown} risposte conservate` }),
  answerOf: (n, total) => `Risposta ${n}, ${total} VLT usati fin lì`,
  allAnswers: 'Risposte e ricevute',
  to: (name) => `a ${name}`,
  from: (name) => `da ${name}`,
  memo: (text) => `Nota che tutti vedono: “${text}”`,
  note: {
    label: 'La tua nota',
    why: 'Solo su questo dispositivo.',
    save: 'Conserva la nota',
    saved: 'Conservata.',
  },
  nothing: {
    title: (n, shown) =>
      counted(n, { one: 'Un pagamento senza effetto', other: `${shown} pagamenti senza effetto` }),
  },
  worked: {
    title: 'Lavoro di questo dispositivo',
    today: 'Oggi',
    all: 'In tutto',
    units: (n, shown) => counted(n, { one: 'un’unità', other: `${shown} unità` }),
    blocks: (n, shown) => counted(n, { one: 'un blocco', other: `${shown} blocchi` }),
    why: 'Resta anche se ricarichi la pagina. Conta i blocchi trovati; se la catena li tiene lo dice la cronologia.',
  },
  sums: {
    title: 'Per anno e per giorno',
    whole: 'Tutto ciò che ha mai cambiato questo saldo.',
    since: (day) => `Solo ciò che si vede sopra, dal ${day}. “Precedenti” aggiunge il resto.`,
    year: 'Anno',
    day: 'Giorno',
    work: 'Guadagnato col lavoro',
    in: 'Ricevuto',
    out: 'Speso',
    net: 'In tutto',
    blocks: 'Blocchi',
    none: 'Ancora nessun giorno con entrate.',
  },
};
