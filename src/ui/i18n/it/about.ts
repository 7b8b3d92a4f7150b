/** Che cos’è, per chi non ne ha mai sentito parlare. */
import type { about as english } from '../en/about.ts';

export const about: typeof english = {
  what: {
    lead:
      'Pila è una rete fatta dai dispositivi delle persone. Eseguono piccoli modelli di IA e per questo vengono pagati in ' +
      'volt (VLT), una moneta creata dalla rete stessa. Non c’è un’azienda in mezzo, né un conto da aprire.',
    drawing: 'Come un’esecuzione diventa denaro',
    describe:
      'Un disegno. A sinistra: dal blocco più recente nasce un testo di prova; un’esecuzione del modello lo trasforma in biglietti, ' +
      'quasi tutti perdenti; uno vincente aggiunge un blocco alla catena, che paga. A destra: la domanda di qualcuno passa per lo ' +
      'stesso modello e diventa una risposta, che quella persona paga direttamente. Numeri e lettere sono quelli degli elenchi accanto.',
    labels: {
      chain: 'la catena di blocchi',
      text: 'testo di prova',
      question: 'una domanda',
      run: 'un’esecuzione del modello',
      tickets: 'biglietti',
      answer: 'una risposta',
      block: 'un nuovo blocco',
    },
    mining: 'Con testi di prova: a sorte',
    steps: [
      'Tutti i pagamenti stanno in blocchi legati l’uno all’altro in una catena. Ne arriva uno ogni pochi secondi.',
      'Dal blocco più recente il tuo dispositivo ricava un testo. Nessuno può sceglierlo né conoscerlo prima.',
      'Fa passare quel testo per tutto il modello. Questa è un’esecuzione: molti milioni di moltiplicazioni.',
      'Le moltiplicazioni danno biglietti di una lotteria. Quasi tutti perdono; più calcoli, più ne peschi.',
      'Con un biglietto vincente il tuo dispositivo aggiunge un blocco. Il blocco ti paga; potrai spendere quando ce ne saranno altri sopra.',
    ],
    asking: 'Con una domanda: a colpo sicuro',
    answers: [
      'Qualcuno fa una domanda e mette da parte delle monete. Se lo permetti, il tuo dispositivo risponde.',
      'Chi ha chiesto paga direttamente il tuo dispositivo, risposta per risposta. Qui la fortuna non c’entra, e non si aggiungono blocchi.',
    ],
    proves: 'Che cosa dimostra il mining',
    proven: [
      'Che le moltiplicazioni proprio di questo modello sono state fatte, su un testo a cui nessuno poteva prepararsi.',
      'Che ogni cifra è giusta. Gli altri dispositivi ricalcolano un biglietto vincente e rifiutano il blocco se anche una sola è diversa.',
      'Che nessuno è pagato per le monete che ha, per chi è o per un lavoro che ha saltato.',
    ],
    provesNot: 'Che cosa non dimostra',
    notProven: [
      'Che le prove siano servite a qualcuno: nessuno ne legge i risultati. Servono solo a tenere sicura la catena.',
      'Che un modello sia buono, o che dica la verità. Dimostra solo che a dirlo è questo modello.',
      'Che guadagnerai. Si può pescare per ore senza vincere.',
      'Che una moneta valga qualcosa.',
    ],
    check: 'Di chi devi fidarti',
    checked:
      'Di nessuno, per il saldo: questa pagina lo verifica da sola sulla catena. Di una risposta a pagamento hai una ricevuta ' +
      'firmata: chiunque può eseguire lo stesso modello sulla stessa domanda, e la risposta dev’essere esattamente la stessa.',
    start: 'Vai al pulsante Avvia',
  },
  app: {
    title: 'Informazioni',
    text:
      'Pila prende il nome dalla pila di Volta del 1800, la prima batteria. Le tue chiavi, e quello che l’app ha ' +
      'verificato, restano su questo dispositivo. L’app parla solo con i nodi della rete, con il server da cui viene e ' +
      'con i server dei modelli elencati sopra.',
    version: 'Versione',
    licence: 'Licenza',
    licenceWhy: 'Software libero: chiunque può usarlo, leggerlo, cambiarlo e ridistribuirlo.',
    shipped: 'Di che cosa è fatta',
    shippedLink: 'Licenze di tutto ciò che contiene',
    shippedWhy: 'Si aprono in una scheda a parte.',
    models: 'I modelli, e chi li ha fatti',
    genesis: 'Primo blocco',
    know:
      'La rete e il suo primo blocco li indica il server di questa pagina o, se tace, il primo nodo incontrato: ' +
      'confronta l’ID con uno di cui ti fidi. Ogni blocco successivo risale fino a quello, e i nodi che hanno un altro ' +
      'primo blocco non vengono seguiti.',
  },
};
