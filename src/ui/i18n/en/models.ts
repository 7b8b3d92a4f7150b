/** Models on this device: what is stored, fetched, freed and mined with. */
import type { StoredModel } from '../../../client/api.ts';

export const models = {
  title: 'Models',
  lead: 'Every model of this network can be fetched, checked and kept in this browser.',
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
  sources: 'Fetched from',
  peers: 'peers',
  used: 'Stored by Pila',
  usedOf: (used: string, quota: string) => `${used} of the ${quota} that this browser allows`,
  know:
    'A part counts as stored once its hash agreed with the model’s id. What Pila stores in all, and ' +
    'may store, is this browser’s own estimate.',
  none: 'This network has no models yet.',
};
