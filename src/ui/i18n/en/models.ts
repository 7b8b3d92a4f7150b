/** Models on this device: what is stored, fetched, freed and mined with. */
import type { StoredModel } from '../../../client/api.ts';

export const models = {
  title: 'Models',
  lead: 'Whoever works on this network keeps all of its models, to check the blocks of others.',
  look: 'Show what is stored',
  mineWith: 'Work with',
  mineNote: 'Takes effect at the next start.',
  state: {
    absent: 'not on this device',
    partial: 'partly on this device',
    fetching: 'downloading',
    stored: 'on this device',
  } satisfies Readonly<Record<StoredModel['state'], string>>,
  inUse: 'in use',
  of: (here: string, all: string) => `${here} of ${all}`,
  id: 'ID',
  size: 'Size',
  condition: 'State',
  licence: 'Licence',
  licenceUntold: 'not stated',
  fetch: (name: string) => `Download ${name}`,
  resume: (name: string) => `Go on downloading ${name}`,
  stop: (name: string) => `Stop downloading ${name}`,
  free: (name: string) => `Remove ${name}`,
  progress: (name: string) => `Downloading ${name}`,
  refused: (part: string, source: string) =>
    `Part ${part} from ${source} was not part of the model: refused, and downloaded elsewhere.`,
  rotten: (part: string) =>
    `Part ${part} was damaged on this device: removed, and downloaded again.`,
  behind: (names: string, size: string) =>
    `Downloading while it works: ${names}, ${size}. Whoever works needs every model, to check the blocks of others.`,
  again: 'Pila tries again by itself.',
  unchecked: (minutes: string) =>
    `Working on blocks that are not fully checked yet, for at most ${minutes} more min. If one of them is false, whatever was found on top of it is lost.`,
  asks: (names: string, size: string) =>
    `Work also needs ${names}, to check the blocks of others: ${size}. You may be paying for this connection by the megabyte.`,
  declined: (names: string, size: string) =>
    `You declined ${names}, ${size}. Without every model this device cannot check the blocks of others, so it does not work.`,
  fetchAll: (size: string) => `Download ${size}`,
  declineAll: 'Don’t download, and stop',
  sources: 'Downloaded from',
  peers: 'peers',
  used: 'Stored by Pila',
  usedOf: (used: string, quota: string) => `${used} of the ${quota} that this browser allows`,
  know: 'A part counts as stored once its fingerprint matches the model’s ID. How much Pila stores, and may store, is this browser’s own estimate.',
  none: 'This network has no models yet.',
  /** Language models, which answer and are not mined with. */
  served: {
    title: (name: string) => `The language model ${name}`,
    about: (name: string, size: string) =>
      `${name} is a language model that you can talk to. It is downloaded once, ${size}, and stays on this device: it answers offline too, and you can remove it in the settings.`,
    none: 'The server of this page has no language model. One command puts one there:',
    notHeld: (name: string, size: string) =>
      `The server of this page does not have ${name}, a language model of ${size}. One command puts it there:`,
    elsewhere: (name: string) => `Look for ${name} elsewhere`,
    waits: (name: string, minutes: string) =>
      `Nobody has more of ${name} to give right now. Pila asks again in at most ${minutes} min; what has arrived is kept.`,
    memory: (name: string, needed: string, all: string) =>
      `While ${name} answers it takes about ${needed} of memory, and this device has ${all} in all. The page may be closed by the system: close other apps first.`,
    room: (free: string, missing: string) =>
      `This browser has room for ${free} more, but ${missing} are missing. Remove another model in the settings, or free some space.`,
  },
};
