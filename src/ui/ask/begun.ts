/** What a person has begun on the Ask screen, for when they come back to it: as long as the page lives. */
import type { Session } from '../session.svelte.ts';

export interface Begun {
  /** Id in hex of the model that they chose. */
  model: string | undefined;
  /** What stands in the field. */
  draft: string;
  /** Others are to answer, not this device. */
  asksOthers: boolean;
  /** Key of whom they said answers with a model; none: this device. */
  picked: { readonly model: Uint8Array; readonly key: Uint8Array | undefined } | undefined;
}

const all = new WeakMap<object, Begun>();

export function begunIn(session: Session): Begun {
  const before = all.get(session);
  if (before) return before;
  const begun = { model: undefined, draft: '', asksOthers: false, picked: undefined };
  all.set(session, begun);
  return begun;
}
