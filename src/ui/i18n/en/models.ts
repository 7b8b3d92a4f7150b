/** Models on this device: what is stored, fetched, freed and mined with. */
import type { StoredModel } from '../../../client/api.ts';

export const models = {
  title: 'Models',
  lead: 'Whoever mines on this network holds all of its models, to check the blocks of others.',
  look: 'Show what is stored',
  mineWith: 'Mine with',
  mineNote: 'Holds from the next start.',
  state: {
    absent: 'not on this device',
    partial: 'partly on this device',
    fetching: 'being fetched',
    stored: 'on this device',
  } satisfies Readonly<Record<StoredModel['state'], string>>,
  inUse: 'in use',
  of: (here: string, all: string) => `${here} of ${all}`,
  id: 'Id',
  size: 'Size',
  condition: 'State',
  licence: 'Licence',
  licenceUntold: 'not told',
  fetch: (name: string) => `Fetch ${name}`,
  resume: (name: string) => `Go on fetching ${name}`,
  stop: (name: string) => `Stop fetching ${name}`,
  free: (name: string) => `Free ${name}`,
  progress: (name: string) => `Fetching ${name}`,
  refused: (part: string, source: string) =>
    `Part ${part} from ${source} was not the model’s: refused, and fetched elsewhere.`,
  rotten: (part: string) => `Part ${part} was damaged on this device: removed, and fetched again.`,
  behind: (names: string, size: string) =>
    `Fetching behind the work: ${names}, ${size}. Whoever mines needs every model, to check the blocks of others.`,
  again: 'It is tried again by itself.',
  unchecked: (minutes: string) =>
    `Working on blocks that are not checked in full yet, for at most ${minutes} more min. If one of them is false, ` +
    'what was found on it is lost.',
  asks: (names: string, size: string) =>
    `Mining also needs ${names}, to check the blocks of others: ${size}. This line may be paid by what goes over it.`,
  declined: (names: string, size: string) =>
    `You declined ${names}, ${size}. Without every model this device cannot check the blocks of others, so it ` +
    'does not mine.',
  fetchAll: (size: string) => `Fetch ${size}`,
  declineAll: 'Don’t fetch, and stop',
  sources: 'Fetched from',
  peers: 'peers',
  used: 'Stored by Pila',
  usedOf: (used: string, quota: string) => `${used} of the ${quota} that this browser allows`,
  know:
    'A part counts as stored once its hash agreed with the model’s id. What Pila stores in all, and ' +
    'may store, is this browser’s own estimate.',
  none: 'This network has no models yet.',
  /** Language models, which answer and are not mined with. */
  served: {
    title: (name: string) => `The language model ${name}`,
    about: (name: string, size: string) =>
      `${name} is a language model that you can talk with. It is fetched once, ${size}, and stays on this device: ` +
      'it answers offline too, and the settings free it.',
    none: 'The server of this page holds no language model. One command brings it there:',
    notHeld: (name: string, size: string) =>
      `The server of this page does not hold ${name}, a language model of ${size}. One command brings it there:`,
    elsewhere: (name: string) => `Look for ${name} elsewhere`,
    waits: (name: string, minutes: string) =>
      `Nobody gives more of ${name} for now. It is asked for again in at most ${minutes} min; what came is kept.`,
    room: (free: string, missing: string) =>
      `This browser has room for ${free} more, and ${missing} are missing. Free another model in the settings, or ` +
      'some space.',
  },
};
