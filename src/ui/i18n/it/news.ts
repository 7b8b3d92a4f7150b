/** Italian. */
import type { news as english } from '../en/news.ts';
import { inItalian as plural } from '../plurals.ts';

export const news: typeof english = {
  title: 'Notifiche',
  why: 'Solo mentre Pila è aperta ma non in vista, e una alla volta per tipo. Non mostrano mai che cosa hai chiesto.',
  kinds: {
    payment: 'Quando arriva un pagamento',
    answer: 'Quando una mia domanda ha risposta',
    block: 'Quando questo dispositivo trova un blocco',
  },
  refused:
    'Il browser non lo permette. Consenti le notifiche nelle sue impostazioni per questo sito, poi scegli di nuovo.',
  told: {
    payment: (n, { count, amount, from }) => ({
      title: plural(n, { one: 'Pagamento ricevuto', other: `${count} pagamenti ricevuti` }),
      body: from === undefined ? `${amount} VLT in tutto` : `${amount} VLT da ${from}`,
    }),
    answer: (n, { count }) => ({
      title: plural(n, {
        one: 'La tua domanda ha una risposta',
        other: `${count} delle tue domande hanno una risposta`,
      }),
      body: 'Apri Pila per leggere.',
    }),
    block: (n, { count }) => ({
      title: plural(n, { one: 'Blocco trovato', other: `${count} blocchi trovati` }),
      body: 'Da questo dispositivo: il compenso sta per arrivare nel tuo saldo.',
    }),
  },
};
