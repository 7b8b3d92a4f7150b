/** I grafici. */
import type { plots as english } from '../en/plots.ts';
import { inItalian as counted } from '../plurals.ts';

export const plots: typeof english = {
  know: 'Come lo sappiamo?',
  asTable: 'Come tabella',
  asPlot: 'Come grafico',
  save: 'Salva in CSV',
  expected: 'Atteso',
  figure: (n) => `Fig. ${n}`,
  earned: {
    title: 'Guadagno dei blocchi',
    sum: (amount, blocks) => `${amount} VLT; i tuoi blocchi: ${blocks}`,
    among: (headers, span) => ` degli ultimi ${headers}, in ${span}`,
    columns: ['Da', 'Blocchi', 'VLT'],
    missing: 'Dati ancora insufficienti: la catena ha troppo pochi blocchi.',
    evidence: [
      'Contato qui nei blocchi verificati da questo dispositivo: quelli che pagano il tuo indirizzo, ognuno con il compenso previsto dalle regole.',
      'Le commissioni, e il guadagno delle risposte, si aggiungono: sono nel saldo.',
    ],
  },
  rate: {
    title: 'Velocità',
    mean: (rate, readings) => `${rate} in media (letture: ${readings})`,
    withPauses: (rate) => `; contando anche le pause, ${rate}`,
    columns: ['Ora', 'Moltiplicazioni al secondo', 'Esecuzioni'],
    missing: 'Dati ancora insufficienti: la prima linea appare dopo un minuto di lavoro.',
    evidence: [
      'Moltiplicazioni (con un’addizione ciascuna: MAC) delle ultime esecuzioni, divise per il tempo che hanno richiesto, annotate qui ogni 10 s nell’ultima ora. La curva salta le pause; la seconda media le comprende, e conta come zero lavoro quelle oltre i due minuti.',
      'Nessun altro le ha verificate.',
    ],
  },
  wait: {
    title: 'Attesa di un blocco',
    one: (time) => `1 su 10 aspetta meno di ${time}`,
    half: (time) => `metà meno di ${time}`,
    most: (time) => `9 su 10 meno di ${time}`,
    month: 'A questa velocità un blocco richiede in media più di un mese.',
    columns: ['Attese su 10', 'più brevi di'],
    titles: ['Attese su 10', 'più brevi di, in secondi'],
    missing: (units, minutes) =>
      'Misura in corso: nessuna previsione prima di 10 esecuzioni e 15 minuti di lavoro. ' +
      `Esecuzioni finora: ${units}, in ${minutes}.`,
    idle: 'Nessun lavoro in corso, quindi non c’è nulla da aspettare.',
    evidence: [
      'Una stima, non una promessa: dalla velocità misurata su questo dispositivo e dalla difficoltà dell’ultimo blocco. Cambiano entrambe.',
      'I blocchi non hanno memoria: dopo una lunga attesa il prossimo non è più vicino. La curva è la ' +
        'probabilità che per allora ne sia arrivato uno.',
    ],
  },
  costs: {
    title: 'Costi',
    estimate: 'La tua stima',
    watts: 'Potenza usata dal lavoro, in watt',
    wattsWhy: 'La differenza su un misuratore da presa, con e senza lavoro.',
    wattsFault: 'Un numero intero di watt, da 1 a 3000.',
    worked: 'Tempo di lavoro',
    battery: 'Di cui a batteria',
    untold: 'questo browser non lo dice',
    energy: 'Elettricità',
    evens: 'Pareggio di un VLT',
    unsaid: 'indica i watt',
    received: 'Ricevuti da altri nodi',
    sent: 'Inviati ad altri nodi',
    unpaid: 'nessun tuo blocco è stato ancora pagato',
    evidence: [
      'I byte dei messaggi con gli altri nodi si contano qui da quando la rete è aperta; la cifratura aggiunge poco, e i modelli e l’app sono a parte.',
      'I browser non rivelano né potenza né temperatura, perciò qui non ci sono: l’elettricità sono i watt che hai indicato, per il tempo in cui questa pagina ha lavorato da quando è aperta. Restano in questo browser.',
      'Il pareggio è quell’elettricità divisa per i compensi dei tuoi blocchi nella catena da allora: il ' +
        'lavoro conviene se un VLT vale di più. Con pochi blocchi decide la fortuna. Non c’è un prezzo in denaro: non lo si ' +
        'chiede a nessuno.',
    ],
  },
  difficulty: {
    title: 'Difficoltà',
    span: (n, shown, span) =>
      counted(n, { one: `1 blocco, in ${span}`, other: `${shown} blocchi, in ${span}` }),
    columns: ['Blocco', 'Ora', 'Moltiplicazioni per blocco'],
    missing: 'Dati ancora insufficienti: la catena ha pochissimi blocchi.',
    same: (macs) => `Uguale in tutti: ${macs} per blocco.`,
    block: (height) => `blocco ${height}`,
    evidence: [
      'Il lavoro previsto per ogni blocco verificato da questo dispositivo. Le regole lo fissano dai tempi dei blocchi precedenti.',
    ],
  },
};
