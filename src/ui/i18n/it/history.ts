import type { HistoryText } from '../en/history.ts';
import { inItalian as counted } from '../plurals.ts';

export const history: HistoryText = {
  title: 'Cronologia',
  filters: { label: 'Che cosa si vede', all: 'Tutto', payments: 'Pagamenti', work: 'Lavoro' },
  empty: 'Ancora nulla: nessun pagamento, nessun guadagno.',
  none: 'Niente di questo tipo fra ciò che si vede.',
  found: 'Blocco trovato',
  older: 'Precedenti',
  block: (height) => `blocco ${height}`,
  details: 'Dettagli',
  complete: (n, shown) =>
    counted(n, {
      one: 'Completa: l’unica transazione del conto, come la conta il conto dimostrato.',
      other: `Completa: tutte le ${shown} transazioni. Ognuna nomina la precedente, e l’ultima è nel conto dimostrato.`,
    }),
  linked: (shown, total) =>
    `Le transazioni più recenti, ${shown} su ${total}, nessuna esclusa: ognuna nomina la precedente.`,
  partial: (shown, total) =>
    `Transazioni note qui: ${shown} su ${total}. Che non ne manchi nessuna in mezzo non è dimostrato.`,
  blocks: 'I tuoi blocchi sono letti dalla catena verificata qui: non ne manca nessuno.',
  least: 'almeno: può aggiungersi ciò che restava su conti svuotati',
  unknown: 'importo non noto: nessuno ha inviato il pagamento che li ha messi da parte',
  channel: {
    open: (limit) => `${limit} VLT messi da parte, in uso`,
    closed: (limit, spent) => `usati ${spent} VLT su ${limit}; il resto è tornato`,
    returned: (limit) => `${limit} VLT tornati inutilizzati alla scadenza`,
  },
  opening: 'Quando sono stati messi da parte',
  answers: (n, shown) =>
    counted(n, { one: 'Una risposta conservata', other: `${shown} risposte conservate` }),
  answerOf: (n, total) => `Risposta ${n}, usati finora ${total} VLT`,
  allAnswers: 'Risposte e ricevute',
  to: (name) => `a ${name}`,
  from: (name) => `da ${name}`,
  memo: (text) => `Nota visibile a tutti: «${text}»`,
  note: {
    label: 'La tua nota',
    why: 'Solo su questo dispositivo.',
    save: 'Salva la nota',
    saved: 'Salvata.',
  },
  nothing: {
    title: (n, shown) =>
      counted(n, { one: 'Un pagamento non riuscito', other: `${shown} pagamenti non riusciti` }),
  },
  worked: {
    title: 'Lavoro di questo dispositivo',
    today: 'Oggi',
    all: 'In tutto',
    units: (n, shown) => counted(n, { one: 'un’esecuzione', other: `${shown} esecuzioni` }),
    blocks: (n, shown) => counted(n, { one: 'un blocco', other: `${shown} blocchi` }),
    byHour: 'Esecuzioni per ora',
    hour: 'Dalle',
    unitsTitle: 'Esecuzioni',
    byHourWhy:
      'Contate qui man mano che si completano, secondo le ore dell’orologio di questo dispositivo.',
    why: 'Resta anche se ricarichi. I blocchi contano come trovati; se la catena li ha tenuti lo dice la cronologia.',
  },
  sums: {
    title: 'Entrate per anno e per giorno',
    whole: 'Tutto ciò che ha mai cambiato questo saldo.',
    since: (day) => `Solo ciò che si vede sopra, dal ${day}. «Precedenti» ne aggiunge altro.`,
    year: 'Anno',
    day: 'Giorno',
    work: 'Guadagnato col lavoro',
    in: 'Ricevuto',
    out: 'Speso',
    net: 'In tutto',
    blocks: 'Blocchi',
    none: 'Ancora nessun giorno con entrate.',
    byDay: 'Entrate per giorno',
    byDayWhy:
      'Il compenso per blocchi e risposte, come nelle righe della cronologia, secondo i giorni dell’orologio di questo dispositivo.',
  },
};
