/** La ricerca nei propri testi, e le domande su di essi. */
import type { search as english } from '../en/search.ts';

export const search: typeof english = {
  lead:
    'Metti qui testi tuoi e trova i passi per quello che vogliono dire. Tutto viene letto su questo dispositivo, gratis e ' +
    'senza rete; niente ne esce.',
  noModel: 'Questa rete non ha ancora un modello che confronti testi.',
  opening: 'Un momento, vediamo che cosa c’è…',
  add: {
    title: 'Metti dei testi',
    drop: 'Trascina qui testi, file Markdown o una cartella',
    files: 'Scegli i file',
    folder: 'Scegli una cartella',
    paste: 'Incolla un testo',
    name: 'Nome',
    text: 'Testo',
    pasted: 'Testo incollato',
    keep: 'Mettilo',
    fetched: (model, size) =>
      `Li legge ${model}. Si scarica una volta, ${size}, e resta su questo dispositivo.`,
  },
  taken: {
    added: (count) => `Messi: ${count}.`,
    known: (count) => `C’erano già: ${count}.`,
    skipped: (count) => `Lasciati fuori, perché dal nome non sono testi: ${count}.`,
    refused: (count) => `Non presi: ${count}.`,
  },
  progress: {
    label: 'Passi letti',
    of: (done, all) => `passi letti: ${done} su ${all}`,
    waiting: (texts) => `Testi ancora da dividere in passi: ${texts}`,
    stop: 'Ferma',
    resume: 'Continua a leggere',
    rest: 'Quello che è letto si trova già. Il resto aspetta, anche se chiudi la pagina.',
  },
  form: {
    query: 'Che cosa cerchi?',
    go: 'Cerca',
    searching: 'Ricerca in corso…',
    ask: 'Chiedi di questi testi',
    noWriter: 'Un modello linguistico su questo dispositivo risponde a domande sui tuoi testi.',
    getWriter: 'Scaricane uno in “Chiedi”',
    empty: 'Non si trova ancora niente: prima metti dei testi.',
    missing: 'Scrivi che cosa cerchi.',
  },
  found: {
    title: 'Passi',
    count: (count) => `Trovati: ${count}, prima i più simili`,
    none: 'Non si è trovato niente.',
    from: (name, at, of) => `${name}, passo ${at} di ${of}`,
    likeness: (cosine) => `somiglianza ${cosine}`,
    json: 'Salva in JSON',
    csv: 'Salva in CSV',
    columns: ['testo', 'passo', 'somiglianza', 'che cosa dice'],
    file: 'trovati',
    know:
      'La somiglianza è il coseno fra la domanda e il passo, al massimo 1, calcolato qui in numeri interi su tutti i passi. ' +
      'La frase evidenziata è la più simile alla tua domanda.',
  },
  texts: {
    title: 'I tuoi testi',
    none: 'Ancora nessuno.',
    passages: (count) => `passi: ${count}`,
    part: (done, count) => `passi: ${done} su ${count}`,
    waits: 'non ancora letto',
    all: (count) => `Mostrali tutti: ${count}`,
    askGo: 'Chiedi',
    ask: (name) => `Chiedi di ${name}`,
    go: 'Togli',
    remove: (name) => `Togli ${name}`,
    removed: (name) => `${name} è stato tolto.`,
    takes: (count) => `Tutti insieme (${count}) occupano`,
    save: 'Salva tutti i passi in JSON',
    file: 'testi',
  },
  good: {
    title: 'A che cosa serve, e dove sbaglia',
    lines: [
      'Trova quello che dice lo stesso con altre parole. Fra 3.000 descrizioni di programmi, quella cercata è venuta prima ' +
        '74 volte su 100 e fra le prime dieci 92 volte; fra altrettante voci di un dizionario, 38 e 60 volte.',
      'È fatto per l’inglese. In altre lingue trova soprattutto quello che ha parole in comune.',
      'Non legge le emoji e quasi niente di thai o hindi: per lui sono tutte una stessa parola sconosciuta.',
      'Trova sempre qualcosa: una somiglianza bassa vuol dire che niente corrisponde.',
      'Non cerca parole o numeri esatti: per quelli è meglio la ricerca del browser.',
    ],
    compare:
      'Per confrontare due testi fra loro, chiedi a questo modello in “Chiedi”, un testo per riga.',
  },
};
