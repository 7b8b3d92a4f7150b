/** I grafici. */
import type { plots as english } from '../en/plots.ts';
import { inItalian as counted } from '../plurals.ts';

export const plots: typeof english = {
  know: 'Come lo so?',
  asTable: 'In tabella',
  asPlot: 'In figura',
  save: 'Salva in CSV',
  expected: 'Atteso',
  figure: (n) => `Fig. ${n}`,
  earned: {
    title: 'Paga dei blocchi',
    sum: (amount, blocks) => `${amount} VLT; tuoi blocchi: ${blocks}`,
    among: (headers, span) => ` degli ultimi ${headers}, in ${span}`,
    columns: ['Da', 'Blocchi', 'VLT'],
    missing: 'Dati ancora insufficienti: la catena ha pochissimi blocchi.',
    evidence: [
      'Contata qui nelle intestazioni verificate da questo dispositivo: quelle che pagano il tuo ' +
        'indirizzo, ognuna con il compenso che le regole danno alla sua altezza.',
      'Le commissioni e la paga delle risposte si aggiungono: sono nel saldo.',
    ],
  },
  rate: {
    title: 'Ritmo',
    mean: (rate, readings) => `${rate} in media (letture: ${readings})`,
    withPauses: (rate) => `; contando anche le pause, ${rate}`,
    columns: ['Ora', 'MAC/s', 'Unità'],
    missing: 'Dati ancora insufficienti: serve un minuto di lavoro per la prima linea.',
    evidence: [
      'Moltiplicazioni delle ultime unità diviso il tempo che hanno preso, annotate qui ogni 10 s ' +
        'per l’ultima ora. La curva salta le pause; la seconda media le comprende, e in quelle oltre i ' +
        'due minuti conta zero lavoro.',
      'Nessun altro lo ha verificato.',
    ],
  },
  wait: {
    title: 'Attesa di un blocco',
    one: (time) => `1 su 10 aspetta meno di ${time}`,
    half: (time) => `metà meno di ${time}`,
    most: (time) => `9 su 10 meno di ${time}`,
    month: 'A questo ritmo un blocco richiede in media più di un mese.',
    columns: ['Attese su 10', 'più brevi di'],
    titles: ['Attese su 10', 'più brevi di, in secondi'],
    missing: (units, minutes) =>
      'Misura in corso: nessuna previsione prima di 10 unità e 15 minuti di lavoro. ' +
      `Finora: ${units}, in ${minutes}.`,
    idle: 'Non gira nulla, quindi non c’è nulla da aspettare.',
    evidence: [
      'Un modello, non una promessa: il ritmo misurato su questo dispositivo contro la difficoltà ' +
        'dell’ultimo blocco. Cambiano entrambi.',
      'I blocchi non hanno memoria: dopo una lunga attesa il prossimo non è più vicino. La curva è la ' +
        'probabilità che per allora ne sia arrivato uno.',
    ],
  },
  costs: {
    title: 'Costi',
    estimate: 'Stima tua',
    watts: 'Watt assorbiti dal lavoro',
    wattsWhy: 'La differenza che un misuratore alla presa mostra, con e senza lavoro.',
    wattsFault: 'Un numero intero di watt, da 1 a 3000.',
    worked: 'Tempo di lavoro',
    battery: 'Di cui a batteria',
    untold: 'questo browser non lo dice',
    energy: 'Elettricità',
    evens: 'Pareggio di un VLT',
    unsaid: 'indica i watt',
    received: 'Ricevuti dai pari',
    sent: 'Mandati ai pari',
    unpaid: 'nessun tuo blocco è stato ancora pagato',
    evidence: [
      'I byte dei messaggi con i pari si contano qui da quando la rete è aperta; la cifratura aggiunge ' +
        'poco, e i modelli e l’app sono a parte.',
      'I browser non dicono né potenza né temperatura, perciò qui non ci sono: l’elettricità sono i watt ' +
        'che hai indicato, per il tempo in cui questa pagina, da quando è aperta, ha contato unità. Restano in questo browser.',
      'Il pareggio è quell’elettricità divisa per i compensi dei tuoi blocchi nella catena da allora: il ' +
        'lavoro conviene se un VLT vale di più. Con pochi blocchi decide la fortuna. Non c’è un prezzo in denaro: non lo si ' +
        'chiede a nessuno.',
    ],
  },
  difficulty: {
    title: 'Difficoltà',
    span: (n, shown, span) =>
      counted(n, { one: `1 blocco, in ${span}`, other: `${shown} blocchi, in ${span}` }),
    columns: ['Blocco', 'Ora', 'MAC per blocco'],
    missing: 'Dati ancora insufficienti: la catena ha pochissimi blocchi.',
    block: (height) => `blocco ${height}`,
    evidence: [
      'Il bersaglio in ogni intestazione verificata da questo dispositivo, come lavoro atteso per il ' +
        'blocco. Le regole lo fissano dai tempi dei blocchi precedenti.',
    ],
  },
};
