/** I modelli su questo dispositivo. */
import type { models as english } from '../en/models.ts';

export const models: typeof english = {
  title: 'Modelli',
  lead: 'Ogni modello di questa rete si può scaricare, verificare e tenere in questo browser.',
  look: 'Mostra che cosa è salvato',
  mineWith: 'Lavora con',
  mineNote: 'Vale dal prossimo avvio.',
  state: {
    absent: 'non su questo dispositivo',
    partial: 'in parte su questo dispositivo',
    fetching: 'in arrivo',
    stored: 'su questo dispositivo',
  },
  inUse: 'in uso',
  of: (here, all) => `${here} di ${all}`,
  id: 'Id',
  size: 'Dimensione',
  condition: 'Stato',
  licence: 'Licenza',
  licenceUntold: 'non indicata',
  fetch: (name) => `Scarica ${name}`,
  resume: (name) => `Continua a scaricare ${name}`,
  stop: (name) => `Ferma lo scaricamento di ${name}`,
  free: (name) => `Libera ${name}`,
  progress: (name) => `Scarico ${name}`,
  refused: (part, source) =>
    `La parte ${part} da ${source} non era del modello: rifiutata, e presa altrove.`,
  rotten: (part) =>
    `La parte ${part} era danneggiata su questo dispositivo: tolta, e scaricata di nuovo.`,
  sources: 'Si scaricano da',
  peers: 'pari',
  used: 'Salvato da Pila',
  usedOf: (used, quota) => `${used} dei ${quota} che questo browser concede`,
  know:
    'Una parte vale come scaricata quando la sua impronta concorda con l’id del modello. Quanto occupa ' +
    'Pila in tutto, e quanto può occupare, è una stima di questo browser.',
  none: 'Questa rete non ha ancora modelli.',
};
