/** The app on this device: installing it, what is kept, the lit screen, erasing everything. */
export const device = {
  install: {
    title: 'Keep Pila at hand',
    why:
      'Installed, it has a window and an icon of its own, opens without a network and takes payment ' +
      'links. It still works only after you press Start, or as you set it.',
    go: 'Install',
    later: 'Not now',
    byMenu: 'In the Share menu choose “Add to Home Screen”, on a Mac “Add to Dock”.',
  },
  title: 'This device',
  lead: 'Keys, contacts, conversations, the checked chain, your texts and the models lie in this browser alone.',
  storage: 'If the disk gets full',
  kept: 'the browser keeps them: it has promised',
  notKept: 'the browser may clear them without asking',
  keptUnknown: 'this browser does not say whether it keeps them',
  chats: 'Conversations',
  chatsKept: (n: string, bytes: string) => `${n}, ${bytes}`,
  keep: 'Ask the browser to keep them',
  keepRefused:
    'Not now, says the browser. It usually agrees once the app is installed or often used. ' +
    'Your 24 words on paper help in any case.',
  keptProof: 'The browser itself says so, now: nobody else is asked.',
  awake: 'Keep the screen on while it works',
  awakeWhy:
    'Where the screen goes dark, phones and many laptops stop the page. While work is held back on ' +
    'battery the screen may go dark.',
  erase: {
    title: 'Erase everything',
    why: 'Removes all that Pila has stored in this browser, also in its other tabs, and starts anew.',
    open: 'Erase everything…',
    what: 'These go from this browser:',
    lines: {
      keys: 'the keys: every account, the serving key, and the keys of channels',
      lists: 'contacts, watched addresses, and your notes',
      chats: 'conversations',
      texts: 'the texts that you put in to search, with their index',
      records:
        'history and balances, payments that wait, channels, kept answers, and the record of work',
      chain: 'the checked headers, proofs and blocks',
      models: 'models, and what was measured of this device',
      app: 'the app’s copy for offline',
      choices: 'settings',
    },
    inAll: (size: string) => `In all, this browser keeps about ${size} of it.`,
    unsaved:
      'The 24 words of these keys were never checked. Without them the coins are lost for good.',
    sure: 'I have the 24 words, or want to give these coins up',
    go: 'Erase everything for good',
    going: 'Erasing…',
    blocked: 'Another tab or window of Pila is still open: close it, and erasing goes on.',
    done: 'Everything is erased. Nothing of Pila is left in this browser.',
    again: 'Open Pila anew',
    failed: 'Something could not be erased. Close other windows of Pila and try again.',
    retry: 'Try again',
  },
};
