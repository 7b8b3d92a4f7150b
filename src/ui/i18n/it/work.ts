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
    away: 'Lavora solo quando non ci sono',
    awayWhy:
      'Il browser dice a questa pagina se qualcuno usa tastiera o mouse, e se lo schermo è bloccato: mai che cosa ' +
      'si fa. Il lavoro aspetta che per un minuto non ci sia nessuno.',
    awayRefused:
      'Il browser non lo permette. Puoi cambiarlo nelle sue impostazioni per questo sito, alla voce sull’uso del dispositivo.',
  },
};
