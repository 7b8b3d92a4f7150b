/** Pages of a history that are read at different times. Pure. */
import type { History } from '../../../client/api.ts';
import { toHex } from '../../../lib/bytes.ts';

/** A reorganisation may put another transaction, so another signature, at the same place. */
const nameOf = ({ position, tx }: History['entries'][number]): string =>
  `${position.height}/${position.index}/${toHex(tx.signature)}`;

/** The newest page with the older ones that were fetched before, where it reaches them. */
export function joinHistory(newest: History, known: History | undefined): History {
  const last = newest.entries.at(-1);
  if (!known || !last) return newest;
  // Its back-link is what makes those before it the same: the newest's last has to be known.
  const name = nameOf(last);
  const at = known.entries.findIndex((entry) => nameOf(entry) === name);
  if (at < 0 || at === known.entries.length - 1) return newest;
  const entries = [...newest.entries, ...known.entries.slice(at + 1)];
  return { ...newest, entries, next: known.next, linked: newest.linked && known.linked };
}
