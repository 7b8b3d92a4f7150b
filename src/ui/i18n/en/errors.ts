import type { ErrorTexts, FormTexts } from '../error-texts.ts';

/** What went wrong and what the person can do, by AppError code; faults of transactions by theirs. */
export const errors: ErrorTexts = {
  INTERNAL:
    'Something went wrong inside Pila. Reload the page; if it comes back, report the code below.',
  WATCH_FULL: 'You already follow sixteen addresses. Stop following one first.',
  BUSY: 'Too much is waiting already. Try again in a moment.',
  TAB_OTHER:
    'Another tab still runs a different version of Pila. Reload or close it, then try again.',
  WORKER_DIED: 'A part of Pila stopped. Reload the page: keys and coins are safe.',
  SCREEN_FAILED:
    'This screen could not be shown. The others work, and keys and coins are safe. Try again, or reload; ' +
    'if it comes back, report the line below.',
  SCREEN_MISSING: 'This part of Pila could not be loaded. Check the connection and reload.',
  CONFIG_MISSING:
    'The server this page came from does not answer. Check the connection and reload.',
  CONFIG_MALFORMED: 'The server sent settings that make no sense. Tell whoever runs it.',
  PAGE_INSECURE:
    'This page’s address is not secure, so the browser lets it keep no keys and do no work. Open it with https://, or with http://localhost on the computer that serves it.',
  BROWSER_OLD:
    'This browser lacks something Pila needs. Update it, or use a current Chrome, Edge, Firefox ' +
    'or Safari.',
  STORE_FAILED:
    'This browser does not let Pila store anything, so work is on hold until it does. Reload; if that does not help, leave private browsing or free some space.',
  STORE_CORRUPT:
    'The copy of the chain on this device was damaged. Reload: it will be downloaded again.',
  NET_TIMEOUT: 'The network does not answer. Check the connection; Pila keeps trying.',
  NET_CLOSED: 'The connection was closed. Pila is looking for another peer.',
  NET_MALFORMED: 'A peer sent nonsense and was dropped. Try again.',
  NET_NEWER: 'A peer follows newer rules than this program knows. Update Pila.',
  NET_UNREACHABLE:
    'Whoever was to answer cannot be reached right now. Try again, or ask somebody else.',
  NO_WEBGPU:
    'This browser gives no access to the graphics card. Pila can use the processor instead.',
  DEVICE_LOST: 'The graphics card was taken away, perhaps by another program. Press “Try again”.',
  MODEL_MISSING: 'The model could not be downloaded. Check the connection and try again.',
  MODEL_CORRUPT:
    'What was downloaded is not the model, and was discarded. Try again: another server or peer may have it whole.',
  MODELS_DECLINED:
    'You chose not to download all models, and without them this device cannot check the blocks of others: it does not work. Download them to go on.',
  BUILT_ON_FALSE:
    'A block that this device built on before it could check it was false, and is no longer built on. Blocks of yours that were lost with it:',
  MODEL_STOPPED: 'The download was stopped. What has arrived is kept.',
  MODEL_BUSY: 'This model is in use. Pause first, then remove it.',
  MODEL_STORE_FULL:
    'This browser has no room for the model. Remove another model in the settings, or free some space.',
  MODEL_STORE_FAILED:
    'The model could not be kept in this browser. Leave private browsing, or free some space.',
  STORE_FULL: 'This browser gives no more room. Free some space and reload.',
  STORE_BUSY: 'Another tab holds an older version of Pila. Close it and reload.',
  STORE_CLOSED: 'The browser closed Pila’s storage. Reload the page.',
  STORE_OLD:
    'Pila now stores the chain in a new form, so it is downloaded again. Your keys and settings stay.',
  STORE_FOREIGN: 'A newer version of Pila wrote the data here. Reload to get that version.',
  STORAGE_FAILED:
    'This browser does not let Pila store anything, so keys would be lost. Allow site data for this page, leave ' +
    'private browsing, or free some space, and reload.',
  CHAIN_BUSY: 'Many blocks are being checked. Try again in a moment.',
  QUEUE_FULL: 'Too much is waiting already. Try again in a moment.',
  OUTBOX_FULL: 'Too many of your payments are waiting. Let some be confirmed first.',
  NET_TOO_LARGE:
    'A message was too large for the network. Try again; if it comes back, report the code below.',
  DEVICE_MEMORY:
    'There was not enough memory on the device. Close other tabs and press “Try again”.',
  EXACTNESS_LOST:
    'A step of the model came out wrong on this device, so Pila no longer uses the code that gave it. ' +
    'Update the browser; if it comes back, report the code below.',
  SELF_TEST_FAILED:
    'This device gave a wrong result in the test, so its work would be refused. Update the ' +
    'graphics driver or use another browser.',
  MODEL_REFUSED: 'The model cannot be run by this version. Reload to update.',
  VAULT_CHANGED: 'Another tab changed the keys in the meantime. Try again.',
  VAULT_MEMORY:
    'There was not enough memory to use the passphrase. Close other tabs and try again.',
  VAULT_VERSION: 'A newer version of Pila stored these keys. Reload to get that version.',
  NO_GENESIS: 'No peer has answered yet. Check the connection; Pila keeps trying.',
  ROOT_UNKNOWN: 'The newest block has not been proven yet. Try again in a moment.',
  NO_PEERS: 'No peer is reachable. Check the connection; Pila keeps trying.',
  NO_MINER: 'This device cannot do the work, but the wallet works. Try another browser.',
  NO_PAYOUT: 'There is no address to pay to yet. Make keys in the wallet first.',
  INPUT_CONTROL: 'To the model this is a command, not text. Write it differently:',
  INPUT_EMPTY: 'Write a text first.',
  CONTEXT_FULL: 'This conversation is as long as the model can take. Begin a new one.',
  INPUT_LONG: 'This text is longer than the model takes. Shorten it.',
  OPTION_MALFORMED: 'This option could not be read. Enter a number such as 0.7.',
  OPTION_RANGE: 'This number is outside what the model accepts.',
  TOKENIZER_MISSING: 'This model comes without a word list, so only programs can ask it.',
  TEXTS_BUSY: 'Another tab is changing your texts. Let it finish, or stop it there.',
  TEXT_GONE: 'This file could not be read. Choose it again.',
  TEXTS_FULL: 'There is no room for more texts. Remove some that you no longer search.',
  TEXT_BINARY: 'This file is not plain text. Save a PDF, a web page or a document as text first.',
  TEXT_EMPTY: 'There is nothing to read in this text.',
  TEXT_ENCODING: 'The characters of this file cannot be read. Save it as UTF-8.',
  TEXT_LARGE: 'This text is too large: at most 8 MiB each.',
  PREPAID_RANGE: 'Set aside at least 0.01 VLT, for 60 to 20,160 blocks.',
  AMOUNT_RANGE: 'This amount is outside what a payment can hold.',
  NOT_PROVEN: 'Your balance has not been proven yet. Wait until a peer has answered.',
  FAUCET_OFF: 'This network gives no trial coins.',
  RULES_ENDED:
    'Newer rules may apply: whoever gives trial coins or pays here has to update first. Nothing is lost.',
  FAUCET_LATER: 'You got trial coins not long ago. Try again later.',
  NONCE_TAKEN: 'Another of your payments came first, so nothing was sent. Check it again.',
  TX_REFUSED: 'The network refused this payment; nothing was paid.',
  TX_MALFORMED: 'This payment could not be read. Nothing was signed.',
  TX_UNKNOWN: 'This payment is no longer waiting: it is in a block, or it has expired.',
  TX_SENDER: 'This payment is not from your address. Nothing was signed.',
  VAULT_EXISTS: 'There are keys on this device already. Erase them first, if you have their words.',
  VAULT_MISSING: 'There are no keys on this device. Make new ones or restore them from 24 words.',
  CHAIN_REFUSED:
    'The keys were opened for a different network than this payment’s. Nothing was signed: reload the page.',
  TOKENISER_SLOW: 'The model took too long to read this text, and was stopped. Try another text.',
  FILE_DEAR:
    'This file asks for far more work than usual to open: it may take half a minute and half a gigabyte of memory. Press again to open it anyway.',
  DERIVING_STOPPED: 'Stopped. Nothing was changed.',
  UNASKED_REFUSED:
    'This has not been cashed in yet: the fee would take more than half of it. Pila tries again with each block.',
  ANSWER_DISPUTED:
    'Others gave different answers to the same question, and no two alike. Only running the model here proves which is right.',
  ANSWER_FALSE:
    'This answer is false: the model gives another one, and the signed receipt proves it. Pila no longer asks ' +
    'whoever gave it.',
  ANSWER_FOREIGN: 'This answer was given on another network, so it can’t be checked here.',
  ANSWER_FORGED:
    'The signed receipt does not belong to this answer. Whoever gave you this changed something in it.',
  ANSWER_MALFORMED: 'This is not a shared answer, or a part of it is missing.',
  ANSWER_UNKNOWN: 'This answer is no longer kept on this device.',
  CHANNEL_CLOSED:
    'What you set aside there takes no more questions, and the rest comes back. Set coins aside again to go on.',
  CHANNEL_ENDING:
    'What you set aside comes back soon, too soon for another answer. Set coins aside again to go on.',
  CHANNEL_LOST:
    'What you set aside was in no block in the end, and is back with you. Set coins aside again to go on.',
  CHANNEL_REPLACED:
    'Another program of yours is using what was set aside here. Wait until it has its answer, or stop it there.',
  CHANNEL_SHALLOW:
    'Whoever answers is waiting for more blocks to confirm what you set aside. Ask again in a few blocks.',
  CHANNEL_SMALL: 'What is left does not cover this question. Set aside more to go on.',
  CHANNEL_UNSEEN:
    'Whoever answers does not see what you set aside yet. Ask again after the next block.',
  MODEL_UNOFFERED: 'This model is no longer offered there. Choose somebody else, or try later.',
  PRICE_LOW: 'The price has risen. Look at it, and ask again if you accept it.',
  PROVIDER_BUSY: 'Too many questions are waiting there. Ask again in a moment.',
  PROVIDER_FAILED: 'The model failed there. You paid nothing for what did not come.',
  PROVIDER_FALSE:
    'No honest program sends what came from there, so Pila no longer asks whoever sent it. What is left comes back in time.',
  PROVIDER_GONE:
    'Whoever answers can’t be reached. The question is kept: ask it again later, or stop and get the rest back.',
  PROVIDER_PUZZLED:
    'Whoever answers and this device do not agree on what was used. Stop and get the rest back, then set coins aside again.',
  QUESTION_BUSY: 'Another question is being answered. Wait for it, or stop it.',
  QUESTION_LONG: 'The answer would be too long. Ask for less at once.',
  CHANNELS_FULL: 'You already have coins set aside in sixty-four places. Let one end first.',
  CHANNELS_OVER:
    'This would set aside more for answers than you allow. Set aside less, let something end, or raise what you allow.',
  CHANNEL_AMOUNT: 'This is more than was set aside. Nothing was signed.',
  CHANNEL_FOREIGN:
    'Keys that are not yours could use or cash in what would be set aside here. Nothing was signed.',
  CHANNEL_UNKNOWN:
    'What was set aside for this has ended, or was not set aside here. Set coins aside again.',
  SERVING_MISSING:
    'Unlock your keys once: then this device can answer, and pay for answers, by itself.',
  VAULT_UNGUARDED:
    'There are no keys here: the server of this page leaves out a header that keys need, ' +
    'Content-Security-Policy for assets/vault.worker-*.js. Tell whoever runs it.',
  VAULT_SILENT: 'The keys did not respond. If that goes on, reload the page.',
  VAULT_LOCKED: 'The keys are locked. Unlock them first.',
  VAULT_CORRUPT: 'The stored keys are damaged. Erase them and restore from the 24 words.',
  VAULT_TAMPERED:
    'Somebody changed what this device stores about your keys: the address shown cannot be trusted. The keys are not lost. Write down the 24 words, then erase and restore.',
  WATCHED_FULL: 'You already watch twelve addresses. Remove one first.',
  WATCHED_KNOWN: 'You already watch this address.',
  ACCOUNTS_FULL: 'You have sixteen accounts already; there cannot be more.',
  ACCOUNT_UNKNOWN: 'This account no longer exists. Reload the page.',
  NAME_BLANK: 'This name shows nothing. Use letters or digits.',
  NAME_MALFORMED: 'A name has 1 to 32 characters.',
  WORDS_COUNT: 'There must be exactly 24 words.',
  WORDS_UNKNOWN: 'One of the words is not in the list. Check the spelling.',
  WORDS_CHECKSUM:
    'All of these are words of the list, but they do not belong together. Check each of them, and their order.',
  PASSPHRASE_WEAK:
    'This passphrase is too easy to guess. Take the one that Pila suggests, or a longer one.',
  PASSPHRASE_WRONG: 'That is not the passphrase.',
  PASSKEY_UNPROTECTED: 'Set a passphrase first: it stays the way in when the passkey is lost.',
  PASSKEY_MISSING: 'No passkey opens these keys any more. Use the passphrase.',
  PASSKEY_WRONG: 'This passkey does not open these keys. Use the passphrase.',
  PASSKEY_UNSUPPORTED:
    'This browser or passkey cannot do what is needed (the PRF extension). Use the passphrase.',
  PASSKEY_REFUSED: 'The passkey was not used. Try again, or use the passphrase.',
  LOCK_RANGE: 'The keys lock after 1, 5, 15 or 60 minutes.',
  EXPORT_UNPROTECTED: 'Set a passphrase first: it encrypts the file.',
  FILE_MALFORMED: 'This is not a wallet file of Pila, or it was changed.',
  FILE_VERSION: 'A newer version of Pila wrote this file. Reload to get that version.',
  CONTACTS_FULL: 'You have a hundred contacts already. Remove one first.',
  QR_NONE: 'There is no QR code in this picture.',
  CAMERA_REFUSED: 'The camera cannot be used. Allow it, or choose a picture.',
  BACKUP_WRONG: 'Not all of these are right. Look at your paper again.',
  BACKUP_FIRST: 'Write down the 24 words before sending.',
};

/** Bad input in a form; faults of a refused transaction. */
export const forms: FormTexts = {
  ADDRESS_MISSING: 'Enter the address to pay to.',
  ADDRESS_NETWORK: 'This address belongs to another network.',
  ADDRESS_MALFORMED: 'This is not an address: a character is missing or wrong. Copy it again.',
  AMOUNT_MALFORMED: 'Enter a number such as 1.25, without thousands separators.',
  AMOUNT_ZERO: 'The amount must be more than zero.',
  AMOUNT_OVER: 'Amount and fee together are more than you can spend.',
  AMOUNT_REST:
    'That would leave less than 0.01 VLT, which no account can hold: it would go to a miner. ' +
    'Send all, or leave at least 0.01 VLT.',
  AMOUNT_DUST: 'This address has no account yet: its first payment has to be at least 0.01 VLT.',
  FEE_MALFORMED: 'Enter a number such as 0.0001.',
  ADDRESS_CHECKSUM: 'A character of this address is wrong, missing or out of place. Copy it again.',
  AMOUNT_PRECISION: 'An amount has at most nine decimals.',
  URI_MALFORMED: 'This payment link cannot be read. Ask for it again.',
  URI_REQUIRED:
    'This payment link asks for something this version does not know. Reload to update.',
  FEE_LOW: 'This fee is too low: see below.',
  SUMMARY_DIFFERS: 'What would be signed is not what you typed. Nothing was signed.',
  'tx.balance': 'The balance does not cover amount and fee: another payment may be waiting.',
  'tx.dust': 'This address has no account yet: its first payment has to be at least 0.01 VLT.',
  'tx.nonce': 'Another of your payments came first. Check this one again.',
  'tx.expired': 'It expired. Send it again.',
  'tx.fee-low': 'The fee is too low right now. Raise it.',
  'tx.pool-full': 'Too many payments are waiting. Try later or raise the fee.',
  'tx.known': 'This payment is already waiting.',
};
