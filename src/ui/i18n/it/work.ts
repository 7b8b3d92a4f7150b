import type { WorkText } from '../en/work.ts';

export const work: WorkText = {
  pause: {
    label: 'Pausa a tempo',
    hour: 'Un’ora',
    tomorrow: (time) => `Fino a domani, ${time}`,
    stay: 'Resta in pausa',
  },
  unattended: {
    title: 'Quando non c’è nessuno',
    goOn: 'Riprendi dopo un ricaricamento',
    goOnWhy:
      'Se il lavoro era in corso, alla riapertura della pagina riprende da solo: anche dopo un riavvio del ' +
      'browser, e dopo una pausa a tempo. Altrimenti la pagina si apre in pausa, finché non premi Avvia.',
  },
};
