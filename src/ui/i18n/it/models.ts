/** I modelli su questo dispositivo. */
import type { models as english } from '../en/models.ts';

export const models: typeof english = {
  title: 'Modelli',
  lead: 'Chi lavora su questa rete ne tiene tutti i modelli, per verificare i blocchi degli altri.',
  look: 'Mostra che cosa è salvato',
  mineWith: 'Lavora con',
  mineNote: 'Vale dal prossimo avvio.',
  state: {
    absent: 'non su questo dispositivo',
    partial: 'in parte su questo dispositivo',
    fetching: 'in scaricamento',
    stored: 'su questo dispositivo',
  },
  inUse: 'in uso',
  of: (here, all) => `${here} di ${all}`,
  id: 'ID',
  size: 'Dimensione',
  condition: 'Stato',
  licence: 'Licenza',
  licenceUntold: 'non indicata',
  fetch: (name) => `Scarica ${name}`,
  resume: (name) => `Continua a scaricare ${name}`,
  stop: (name) => `Interrompi lo scaricamento di ${name}`,
  free: (name) => `Rimuovi ${name}`,
  progress: (name) => `Scaricamento di ${name}`,
  refused: (part, source) =>
    `La parte ${part} da ${source} non era del modello: rifiutata, e scaricata altrove.`,
  rotten: (part) =>
    `La parte ${part} era danneggiata su questo dispositivo: rimossa, e scaricata di nuovo.`,
  behind: (names, size) =>
    `In scaricamento durante il lavoro: ${names}, ${size}. A chi lavora servono tutti i modelli, per verificare i blocchi degli altri.`,
  again: 'Pila riprova da sola.',
  unchecked: (minutes) =>
    `Lavoro in corso su blocchi non ancora verificati per intero, per altri ${minutes} min al massimo. Se uno è falso, ciò che è stato trovato sopra va perso.`,
  asks: (names, size) =>
    `Per lavorare serve anche ${names}, per verificare i blocchi degli altri: ${size}. Questa connessione potrebbe essere a consumo.`,
  declined: (names, size) =>
    `Hai rifiutato ${names}, ${size}. Senza tutti i modelli questo dispositivo non può verificare i blocchi degli altri, ` +
    'perciò non lavora.',
  fetchAll: (size) => `Scarica ${size}`,
  declineAll: 'Non scaricare, e ferma',
  sources: 'Si scaricano da',
  peers: 'nodi',
  used: 'Salvato da Pila',
  usedOf: (used, quota) => `${used} dei ${quota} che questo browser concede`,
  know: 'Una parte vale come scaricata quando la sua impronta corrisponde all’ID del modello. Quanto spazio occupa Pila, e quanto può occuparne, è una stima di questo browser.',
  none: 'Questa rete non ha ancora modelli.',
  served: {
    title: (name) => `Il modello linguistico ${name}`,
    about: (name, size) =>
      `${name} è un modello linguistico con cui puoi parlare. Si scarica una volta sola, ${size}, e resta su questo dispositivo: risponde anche senza rete, e si rimuove dalle impostazioni.`,
    none: 'Il server di questa pagina non ha modelli linguistici. Con un comando ne riceve uno:',
    notHeld: (name, size) =>
      `Il server di questa pagina non ha ${name}, un modello linguistico di ${size}. Con un comando lo riceve:`,
    elsewhere: (name) => `Cerca ${name} altrove`,
    waits: (name, minutes) =>
      `Per ora nessuno ha altre parti di ${name} da dare. Pila chiede di nuovo fra ${minutes} min al massimo; ciò che è arrivato resta.`,
    memory: (name, needed, all) =>
      `Mentre risponde, ${name} occupa circa ${needed} di memoria, e questo dispositivo ne ha ${all} in tutto. Il sistema potrebbe chiudere la pagina: prima chiudi le altre app.`,
    room: (free, missing) =>
      `In questo browser c’è posto per altri ${free}, ma ne mancano ${missing}. Rimuovi un altro modello nelle impostazioni, o libera un po’ di spazio.`,
  },
};
