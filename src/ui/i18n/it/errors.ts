/** Italiano: errori. */
import type { ErrorTexts, FormTexts } from '../error-texts.ts';

export const errors: ErrorTexts = {
  INTERNAL:
    'Qualcosa è andato storto dentro Pila. Ricarica la pagina; se succede ancora, segnala il ' +
    'codice qui sotto.',
  WATCH_FULL: 'Segui già sedici indirizzi. Prima smetti di seguirne uno.',
  BUSY: 'Troppe cose sono già in attesa. Riprova tra un momento.',
  TAB_OTHER:
    'Un’altra scheda usa ancora una versione diversa di Pila. Ricaricala o chiudila, poi riprova.',
  WORKER_DIED:
    'Una parte di Pila si è fermata. Ricarica la pagina: chiavi e monete sono al sicuro.',
  SCREEN_FAILED:
    'Non è stato possibile mostrare questa schermata. Le altre funzionano, e chiavi e monete sono al sicuro. Riprova, o ' +
    'ricarica; se succede ancora, segnala la riga qui sotto.',
  SCREEN_MISSING: 'Questa parte di Pila non è arrivata. Controlla la connessione e ricarica.',
  CONFIG_MISSING:
    'Il server da cui viene questa pagina non risponde. Controlla la connessione e ricarica.',
  CONFIG_MALFORMED: 'Il server ha mandato impostazioni senza senso. Avvisa chi lo gestisce.',
  PAGE_INSECURE:
    'L’indirizzo di questa pagina non è sicuro, perciò il browser non le lascia tenere chiavi né lavorare. Aprila con https://, o con http://localhost sul computer che la serve.',
  BROWSER_OLD:
    'A questo browser manca qualcosa che serve a Pila. Aggiornalo, o usa Chrome, Edge, Firefox ' +
    'o Safari recenti.',
  STORE_FAILED:
    'Questo browser non lascia salvare nulla a Pila, e intanto il lavoro è fermo. Ricarica; se succede ancora, esci dalla navigazione privata o libera spazio.',
  STORE_CORRUPT:
    'La copia della catena su questo dispositivo era danneggiata. Ricarica: verrà scaricata di ' +
    'nuovo.',
  NET_TIMEOUT: 'La rete non risponde. Controlla la connessione; Pila continua a provare.',
  NET_CLOSED: 'La connessione si è chiusa. Pila cerca un altro nodo.',
  NET_MALFORMED: 'Un nodo ha mandato dati senza senso ed è stato scollegato. Riprova.',
  NET_NEWER:
    'Un nodo segue regole più recenti di quelle che questo programma conosce. Aggiorna Pila.',
  NET_UNREACHABLE:
    'Chi doveva rispondere ora non è raggiungibile. Riprova, o chiedi a qualcun altro.',
  NO_WEBGPU: 'Questo browser non dà accesso alla scheda grafica. Pila può usare il processore.',
  DEVICE_LOST:
    'La scheda grafica è stata tolta a Pila, forse da un altro programma. Premi «Riprova».',
  MODEL_MISSING: 'Non è stato possibile scaricare il modello. Controlla la connessione e riprova.',
  MODEL_CORRUPT:
    'Ciò che è stato scaricato non è il modello, ed è stato eliminato. Riprova: un altro server o un altro nodo può averlo intero.',
  MODELS_DECLINED:
    'Hai scelto di non scaricare tutti i modelli, e senza di essi questo dispositivo non può verificare i blocchi degli altri, quindi non lavora. Scaricali per continuare.',
  BUILT_ON_FALSE:
    'Un blocco su cui questo dispositivo ha costruito prima di poterlo verificare era falso, e non si costruisce più su di esso. Tuoi blocchi persi con quello:',
  MODEL_STOPPED: 'Lo scaricamento è stato interrotto. Ciò che è arrivato resta.',
  MODEL_BUSY: 'Questo modello è in uso. Metti in pausa, poi rimuovilo.',
  MODEL_STORE_FULL:
    'Questo browser non ha posto per il modello. Rimuovi un altro modello nelle impostazioni, o libera un po’ di spazio.',
  MODEL_STORE_FAILED:
    'Non è stato possibile conservare il modello in questo browser. Esci dalla navigazione privata, ' +
    'o libera spazio.',
  STORE_FULL: 'Questo browser non dà altro spazio. Libera spazio e ricarica.',
  STORE_BUSY: 'Un’altra scheda tiene aperta una versione più vecchia di Pila. Chiudila e ricarica.',
  STORE_CLOSED: 'Il browser ha chiuso l’archivio di Pila. Ricarica la pagina.',
  STORE_OLD:
    'Ora Pila conserva la catena in una nuova forma, perciò la scarica di nuovo. Chiavi e impostazioni restano.',
  STORE_FOREIGN: 'I dati qui sono di una versione più recente di Pila. Ricarica per averla.',
  STORAGE_FAILED:
    'Questo browser non lascia conservare nulla a Pila, e le chiavi andrebbero perse. Consenti i dati di questo sito, esci dalla navigazione privata o libera spazio, e ricarica.',
  CHAIN_BUSY: 'Molti blocchi sono in verifica. Riprova tra un momento.',
  QUEUE_FULL: 'Troppe cose sono già in attesa. Riprova tra un momento.',
  OUTBOX_FULL: 'Hai troppi pagamenti in attesa. Aspetta che qualcuno venga confermato.',
  NET_TOO_LARGE:
    'Un messaggio era troppo grande per la rete. Riprova; se succede ancora, segnala il codice ' +
    'qui sotto.',
  DEVICE_MEMORY: 'La memoria del dispositivo non è bastata. Chiudi altre schede e premi «Riprova».',
  EXACTNESS_LOST:
    'Un passo del modello è risultato sbagliato su questo dispositivo, e Pila non usa più il codice che ' +
    'l’ha dato. Aggiorna il browser; se succede ancora, segnala il codice qui sotto.',
  SELF_TEST_FAILED:
    'Nella prova questo dispositivo ha dato un risultato sbagliato: il suo lavoro verrebbe ' +
    'rifiutato. Aggiorna il driver grafico o usa un altro browser.',
  MODEL_REFUSED: 'Questa versione non riesce a eseguire il modello. Ricarica per aggiornare.',
  VAULT_CHANGED: 'Un’altra scheda ha cambiato le chiavi nel frattempo. Riprova.',
  VAULT_MEMORY:
    'La memoria non è bastata per usare la frase segreta. Chiudi altre schede e riprova.',
  VAULT_VERSION: 'Queste chiavi sono di una versione più recente di Pila. Ricarica per averla.',
  NO_GENESIS: 'Nessun nodo ha ancora risposto. Controlla la connessione; Pila continua a provare.',
  ROOT_UNKNOWN: 'L’ultimo blocco non è ancora dimostrato. Riprova tra un momento.',
  NO_PEERS: 'Nessun nodo è raggiungibile. Controlla la connessione; Pila continua a provare.',
  NO_MINER:
    'Questo dispositivo non può lavorare, ma il portafoglio funziona. Prova un altro browser.',
  NO_PAYOUT: 'Non c’è ancora un indirizzo da pagare. Prima crea le chiavi nel portafoglio.',
  INPUT_CONTROL: 'Per il modello questo è un comando, non testo. Scrivilo in un altro modo:',
  INPUT_EMPTY: 'Scrivi prima un testo.',
  CONTEXT_FULL:
    'Questa conversazione ha raggiunto la lunghezza massima per il modello. Iniziane un’altra.',
  INPUT_LONG: 'Questo testo è più lungo di quanto il modello accetti. Accorcialo.',
  OPTION_MALFORMED: 'Questa opzione non si legge. Scrivi un numero come 0,7.',
  OPTION_RANGE: 'Il modello non accetta questo numero.',
  TOKENIZER_MISSING: 'Questo modello non ha un vocabolario: possono interrogarlo solo i programmi.',
  TEXTS_BUSY: 'Un’altra scheda sta cambiando i tuoi testi. Lascia che finisca, o fermala lì.',
  TEXT_GONE: 'Non è stato possibile leggere questo file. Sceglilo di nuovo.',
  TEXTS_FULL: 'Non c’è posto per altri testi. Rimuovine qualcuno in cui non cerchi più.',
  TEXT_BINARY:
    'Questo file non è testo semplice. Salva prima come testo il PDF, la pagina web o il documento.',
  TEXT_EMPTY: 'In questo testo non c’è niente da leggere.',
  TEXT_ENCODING: 'I caratteri di questo file non si leggono. Salvalo in UTF-8.',
  TEXT_LARGE: 'Questo testo è troppo grande: al massimo 8 MiB l’uno.',
  PREPAID_RANGE: 'Metti da parte almeno 0,01 VLT, per 60–20.160 blocchi.',
  AMOUNT_RANGE: 'Questo importo è fuori da ciò che un pagamento può contenere.',
  NOT_PROVEN: 'Il tuo saldo non è ancora dimostrato. Aspetta la risposta di un nodo.',
  FAUCET_OFF: 'Questa rete non regala monete di prova.',
  RULES_ENDED:
    'Forse valgono regole più recenti: chi dà monete di prova o paga qui deve prima aggiornare. Non si perde nulla.',
  FAUCET_LATER: 'Hai ricevuto monete di prova da poco. Riprova più tardi.',
  NONCE_TAKEN:
    'Un altro tuo pagamento è arrivato prima, quindi non è stato inviato nulla. Ricontrolla.',
  TX_REFUSED: 'La rete ha rifiutato questo pagamento; non è stato pagato nulla.',
  TX_MALFORMED: 'Questo pagamento non si legge. Non è stato firmato nulla.',
  TX_UNKNOWN: 'Questo pagamento non è più in attesa: è in un blocco, o è scaduto.',
  TX_SENDER: 'Questo pagamento non parte dal tuo indirizzo. Non è stato firmato nulla.',
  VAULT_EXISTS:
    'Su questo dispositivo ci sono già delle chiavi. Prima cancellale, se ne hai le parole.',
  VAULT_MISSING:
    'Su questo dispositivo non ci sono chiavi. Creane di nuove o ripristinale dalle 24 parole.',
  CHAIN_REFUSED:
    'Le chiavi sono state aperte per un’altra rete. Non è stato firmato nulla: ricarica la pagina.',
  TOKENISER_SLOW:
    'Il modello ha impiegato troppo a leggere questo testo ed è stato fermato. Prova un altro testo.',
  FILE_DEAR:
    'Aprire questo file richiede molto più lavoro del solito: può servire mezzo minuto e mezzo gigabyte di memoria. Premi di nuovo per aprirlo comunque.',
  DERIVING_STOPPED: 'Fermato. Nulla è cambiato.',
  UNASKED_REFUSED:
    'Non è stato ancora incassato: la commissione ne prenderebbe più di metà. Pila riprova a ogni blocco.',
  ANSWER_DISPUTED:
    'Altri hanno dato risposte diverse alla stessa domanda, tutte diverse fra loro. Solo eseguire qui il modello prova ' +
    'quale è giusta.',
  ANSWER_FALSE:
    'Questa risposta è falsa: il modello ne dà un’altra, e la ricevuta firmata lo prova. Pila non chiederà più ' +
    'a chi l’ha data.',
  ANSWER_FOREIGN: 'Questa risposta viene da un’altra rete, quindi qui non si può verificare.',
  ANSWER_FORGED:
    'La ricevuta firmata non è di questa risposta. Chi te l’ha passata ci ha cambiato qualcosa.',
  ANSWER_MALFORMED: 'Questa non è una risposta condivisa, o ne manca una parte.',
  ANSWER_UNKNOWN: 'Questa risposta non è più su questo dispositivo.',
  CHANNEL_CLOSED:
    'Ciò che avevi messo da parte lì non accetta altre domande, e il resto torna a te. Per continuare metti da parte altre monete.',
  CHANNEL_ENDING:
    'Ciò che avevi messo da parte torna a te tra poco, troppo presto per un’altra risposta. Per continuare metti da parte altre monete.',
  CHANNEL_LOST:
    'Ciò che avevi messo da parte alla fine non è in nessun blocco, ed è di nuovo tuo. Per continuare metti da parte altre monete.',
  CHANNEL_REPLACED:
    'Un altro tuo programma sta usando ciò che è messo da parte qui. Aspetta che abbia la sua risposta, o fermalo.',
  CHANNEL_SHALLOW:
    'Chi risponde aspetta che più blocchi confermino ciò che hai messo da parte. Chiedi di nuovo tra qualche ' +
    'blocco.',
  CHANNEL_SMALL: 'Ciò che resta non basta per questa domanda. Per continuare metti da parte altro.',
  CHANNEL_UNSEEN:
    'Chi risponde non vede ancora ciò che hai messo da parte. Chiedi di nuovo dopo il prossimo blocco.',
  MODEL_UNOFFERED:
    'Lì questo modello non è più offerto. Scegli qualcun altro, o riprova più tardi.',
  PRICE_LOW: 'Il prezzo è salito. Guardalo, e chiedi di nuovo se ti va bene.',
  PROVIDER_BUSY: 'Lì ci sono troppe domande in attesa. Chiedi di nuovo tra un momento.',
  PROVIDER_FAILED: 'Lì il modello non ha funzionato. Ciò che non è arrivato non l’hai pagato.',
  PROVIDER_FALSE:
    'Nessun programma onesto manda ciò che è arrivato da lì, quindi Pila non chiederà più a chi l’ha mandato. Ciò che resta torna a te a suo tempo.',
  PROVIDER_GONE:
    'Chi risponde non è raggiungibile. La domanda resta: falla di nuovo più tardi, o chiudi e riprendi il resto.',
  PROVIDER_PUZZLED:
    'Chi risponde e questo dispositivo non concordano su quanto è stato usato. Chiudi e riprendi il resto, poi metti da parte altre monete.',
  QUESTION_BUSY: 'Si sta rispondendo a un’altra domanda. Aspettala, o fermala.',
  QUESTION_LONG: 'La risposta sarebbe troppo lunga. Chiedi meno alla volta.',
  CHANNELS_FULL: 'Hai già monete da parte in sessantaquattro posti. Aspetta che uno finisca.',
  CHANNELS_OVER:
    'Così metteresti da parte per le risposte più di quanto permetti. Metti da parte meno, lascia finire ' +
    'qualcosa o alza quanto permetti.',
  CHANNEL_AMOUNT: 'È più di quanto è stato messo da parte. Non è stato firmato nulla.',
  CHANNEL_FOREIGN:
    'Chiavi non tue potrebbero usare o incassare ciò che viene messo da parte. Non è stato firmato nulla.',
  CHANNEL_UNKNOWN:
    'Ciò che era messo da parte per questo è finito, o non è stato messo da parte qui. Metti da parte altre monete.',
  SERVING_MISSING:
    'Sblocca le chiavi una volta: poi questo dispositivo può rispondere, e pagare risposte, da solo.',
  VAULT_UNGUARDED:
    'Qui non ci sono chiavi: il server di questa pagina omette un’intestazione di cui le chiavi ' +
    'hanno bisogno, Content-Security-Policy per assets/vault.worker-*.js. Avvisa chi lo gestisce.',
  VAULT_SILENT: 'Le chiavi non rispondono. Se continua, ricarica la pagina.',
  VAULT_LOCKED: 'Le chiavi sono bloccate. Prima sbloccale.',
  VAULT_CORRUPT: 'Le chiavi salvate sono danneggiate. Cancellale e ripristinale dalle 24 parole.',
  VAULT_TAMPERED:
    'Qualcuno ha cambiato ciò che questo dispositivo conserva delle tue chiavi: l’indirizzo mostrato non è affidabile. Le chiavi non sono perse. Scrivi le 24 parole, poi cancella e ripristina.',
  WATCHED_FULL: 'Osservi già dodici indirizzi. Prima rimuovine uno.',
  WATCHED_KNOWN: 'Osservi già questo indirizzo.',
  ACCOUNTS_FULL: 'Hai già sedici conti: non se ne possono avere di più.',
  ACCOUNT_UNKNOWN: 'Questo conto non c’è più. Ricarica la pagina.',
  NAME_BLANK: 'Questo nome non mostra nulla. Usa lettere o cifre.',
  NAME_MALFORMED: 'Un nome ha da 1 a 32 caratteri.',
  WORDS_COUNT: 'Le parole devono essere esattamente 24.',
  WORDS_UNKNOWN: 'Una delle parole non è nell’elenco. Controlla come è scritta.',
  WORDS_CHECKSUM:
    'Le parole sono tutte nell’elenco, ma non vanno insieme. Controllale una per una, e il loro ordine.',
  PASSPHRASE_WEAK:
    'Questa frase segreta è troppo facile da indovinare. Prendi quella che propone Pila, o una più lunga.',
  PASSPHRASE_WRONG: 'Non è la frase segreta.',
  PASSKEY_UNPROTECTED:
    'Imposta prima una frase segreta: resta l’accesso quando la passkey va persa.',
  PASSKEY_MISSING: 'Nessuna passkey apre più queste chiavi. Usa la frase segreta.',
  PASSKEY_WRONG: 'Questa passkey non apre queste chiavi. Usa la frase segreta.',
  PASSKEY_UNSUPPORTED:
    'Questo browser o questa passkey non sa fare ciò che serve (l’estensione PRF). Usa la frase segreta.',
  PASSKEY_REFUSED: 'La passkey non è stata usata. Riprova, o usa la frase segreta.',
  LOCK_RANGE: 'Le chiavi si bloccano dopo 1, 5, 15 o 60 minuti.',
  EXPORT_UNPROTECTED: 'Imposta prima una frase segreta: serve a cifrare il file.',
  FILE_MALFORMED: 'Non è un file di portafoglio di Pila, o è stato modificato.',
  FILE_VERSION: 'Questo file viene da una versione più recente di Pila. Ricarica per averla.',
  CONTACTS_FULL: 'Hai già cento contatti. Prima rimuovine uno.',
  QR_NONE: 'In questa immagine non c’è un codice QR.',
  CAMERA_REFUSED: 'Non è possibile usare la fotocamera. Consentila, o scegli un’immagine.',
  BACKUP_WRONG: 'Non sono tutte giuste. Guarda di nuovo il foglio.',
  BACKUP_FIRST: 'Scrivi le 24 parole prima di inviare.',
};

export const forms: FormTexts = {
  ADDRESS_MISSING: 'Scrivi l’indirizzo da pagare.',
  ADDRESS_NETWORK: 'Questo indirizzo è di un’altra rete.',
  ADDRESS_MALFORMED: 'Non è un indirizzo: manca o è sbagliato un carattere. Copialo di nuovo.',
  AMOUNT_MALFORMED: 'Scrivi un numero come 1,25, senza separatori delle migliaia.',
  AMOUNT_ZERO: 'L’importo deve essere maggiore di zero.',
  AMOUNT_OVER: 'Importo e commissione insieme superano quanto puoi spendere.',
  AMOUNT_REST:
    'Resterebbe meno di 0,01 VLT, meno di quanto un conto deve avere: andrebbe a chi mina. ' +
    'Invia tutto, o lascia almeno 0,01 VLT.',
  AMOUNT_DUST:
    'Questo indirizzo non ha ancora un conto: il primo pagamento deve essere di almeno 0,01 VLT.',
  FEE_MALFORMED: 'Scrivi un numero come 0,0001.',
  ADDRESS_CHECKSUM:
    'Un carattere di questo indirizzo è sbagliato, manca o è fuori posto. Copialo di nuovo.',
  AMOUNT_PRECISION: 'Un importo ha al massimo nove decimali.',
  URI_MALFORMED: 'Questo link di pagamento non si legge. Fattelo mandare di nuovo.',
  URI_REQUIRED:
    'Questo link di pagamento chiede qualcosa che questa versione non conosce. Ricarica per aggiornare.',
  FEE_LOW: 'Questa commissione è troppo bassa: guarda sotto.',
  SUMMARY_DIFFERS: 'Ciò che verrebbe firmato non è ciò che hai scritto. Non è stato firmato nulla.',
  'tx.balance': 'Il saldo non copre importo e commissione: forse un altro pagamento è in attesa.',
  'tx.dust':
    'Questo indirizzo non ha ancora un conto: il primo pagamento deve essere di almeno 0,01 VLT.',
  'tx.nonce': 'Un altro tuo pagamento è arrivato prima. Ricontrolla.',
  'tx.expired': 'È scaduto. Invialo di nuovo.',
  'tx.fee-low': 'La commissione ora è troppo bassa. Alzala.',
  'tx.pool-full': 'Troppi pagamenti sono in attesa. Riprova più tardi o alza la commissione.',
  'tx.known': 'Questo pagamento è già in attesa.',
};
