import type { device as en } from '../en/device.ts';

export const device: typeof en = {
  install: {
    title: 'Pila a portata di mano',
    why:
      'Installata, Pila ha una finestra e un’icona sue, si apre anche senza rete e riceve i link di pagamento. ' +
      'Lavora comunque solo dopo che premi Avvia, o come hai scelto.',
    go: 'Installa',
    later: 'Non ora',
    byMenu: 'Nel menu Condividi scegli «Aggiungi alla schermata Home», su Mac «Aggiungi al Dock».',
  },
  title: 'Questo dispositivo',
  lead: 'Chiavi, contatti, conversazioni e testi, la catena verificata e i modelli restano solo in questo browser.',
  storage: 'Se il disco si riempie',
  kept: 'il browser ha promesso di conservarli',
  notKept: 'il browser può cancellarli senza chiedere',
  keptUnknown: 'questo browser non dice se li conserva',
  chats: 'Conversazioni',
  chatsKept: (n, bytes) => `${n}, ${bytes}`,
  keep: 'Chiedi al browser di conservarli',
  keepRefused:
    'Per ora il browser dice di no. Di solito accetta quando l’app è installata o usata spesso. ' +
    'Le 24 parole su carta aiutano in ogni caso.',
  keptProof: 'Lo dice il browser stesso, in questo momento: non si chiede a nessun altro.',
  awake: 'Tieni acceso lo schermo mentre lavora',
  awakeWhy:
    'A schermo spento i telefoni e molti portatili fermano la pagina. Finché il lavoro è sospeso per ' +
    'la batteria, lo schermo può spegnersi.',
  erase: {
    title: 'Cancella tutto',
    why: 'Toglie tutto ciò che Pila ha salvato in questo browser, anche nelle altre schede, e ricomincia da zero.',
    open: 'Cancella tutto…',
    what: 'Da questo browser spariscono:',
    lines: {
      keys: 'le chiavi: tutti i conti, quella che risponde e quelle che pagano le risposte',
      lists: 'contatti, indirizzi osservati e le tue note',
      chats: 'conversazioni',
      texts: 'i testi che hai aggiunto per cercare, con il loro indice',
      records:
        'cronologia e saldi, pagamenti in attesa, ciò che è messo da parte, risposte conservate e il registro del lavoro',
      chain: 'intestazioni, prove e blocchi verificati',
      models: 'i modelli e le misure di questo dispositivo',
      app: 'la copia dell’app che si apre senza rete',
      choices: 'impostazioni',
    },
    inAll: (size) => `In tutto circa ${size} in questo browser.`,
    unsaved:
      'Le 24 parole di queste chiavi non sono mai state controllate. Senza di esse le monete sono perse per sempre.',
    sure: 'Ho le 24 parole, oppure rinuncio a queste monete',
    go: 'Cancella tutto per sempre',
    going: 'Cancellazione in corso…',
    blocked:
      'Un’altra scheda o finestra di Pila è ancora aperta: chiudila e la cancellazione prosegue.',
    done: 'È stato cancellato tutto. In questo browser non resta nulla di Pila.',
    again: 'Apri Pila da capo',
    failed: 'Qualcosa non è stato cancellato. Chiudi le altre finestre di Pila e riprova.',
    retry: 'Riprova',
  },
};
