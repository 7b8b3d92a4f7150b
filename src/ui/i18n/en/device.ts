/** The app on this device: installing it, what is kept, the lit screen, erasing everything. */
export const device = {
  install: {
    title: 'Keep Pila at hand',
    why: 'Installed, Pila has its own window and icon, opens offline and takes payment links. It still works only after you press Start, or as you have set it.',
    go: 'Install',
    later: 'Not now',
    byMenu: 'In the Share menu choose “Add to Home Screen”, on a Mac “Add to Dock”.',
  },
  title: 'This device',
  lead: 'Your keys, contacts, conversations and texts, the checked chain and the models are kept only in this browser.',
  storage: 'If the disk gets full',
  kept: 'the browser has promised to keep them',
  notKept: 'the browser may clear them without asking',
  keptUnknown: 'this browser does not say whether it keeps them',
  chats: 'Conversations',
  chatsKept: (n: string, bytes: string) => `${n}, ${bytes}`,
  keep: 'Ask the browser to keep them',
  keepRefused:
    'The browser says no for now. It usually agrees once the app is installed or used often. Your 24 words on paper help in any case.',
  keptProof: 'The browser itself says so, right now: nobody else is asked.',
  awake: 'Keep the screen on while it works',
  awakeWhy:
    'When the screen goes dark, phones and many laptops stop the page. While work is on hold because of the battery, the screen may go dark.',
  erase: {
    title: 'Erase everything',
    why: 'Removes everything that Pila has stored in this browser, in its other tabs too, and starts over.',
    open: 'Erase everything…',
    what: 'This is removed from this browser:',
    lines: {
      keys: 'the keys: every account, the key that answers, and those that pay for answers',
      lists: 'contacts, watched addresses, and your notes',
      chats: 'conversations',
      texts: 'the texts that you added for searching, with their index',
      records:
        'history and balances, waiting payments, what is set aside, kept answers, and the record of work',
      chain: 'the checked headers, proofs and blocks',
      models: 'the models, and what was measured on this device',
      app: 'the app’s offline copy',
      choices: 'settings',
    },
    inAll: (size: string) => `Altogether about ${size} in this browser.`,
    unsaved:
      'The 24 words of these keys were never checked. Without them the coins are lost for good.',
    sure: 'I have the 24 words, or want to give these coins up',
    go: 'Erase everything for good',
    going: 'Erasing…',
    blocked: 'Another tab or window of Pila is still open: close it, and erasing goes on.',
    done: 'Everything has been erased. Nothing of Pila is left in this browser.',
    again: 'Open Pila again',
    failed: 'Something could not be erased. Close other windows of Pila and try again.',
    retry: 'Try again',
  },
};
