/** Whom a payment goes to: known, new, or made to be mistaken for one that is known. Pure. */
import type { History, PendingTx } from '../../../client/api.ts';
import { addressOf, formatAddress } from '../../../core/address.ts';
import { tryDecode } from '../../../core/codec.ts';
import { SignedTx } from '../../../core/formats.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import type { VaultAccount } from '../../../wallet/vault/vault-api.ts';
import { groupsOf } from '../../kit/format.ts';
import { historyKindOf } from '../history/kinds.ts';

/** Somebody whom the person has dealt with. Who merely sent coins is none: dust comes from anybody. */
export interface Known {
  readonly address: Uint8Array;
  /** '' where there is none. */
  readonly name: string;
  readonly source: 'account' | 'contact' | 'watched' | 'paid';
}

export interface Acquaintance {
  readonly accounts: readonly VaultAccount[];
  readonly contacts: readonly { address: Uint8Array; name: string }[];
  readonly watched: readonly { address: Uint8Array; name: string }[];
  readonly history: History | undefined;
  readonly pending: readonly PendingTx[];
  /** Address of the account in use. */
  readonly mine: Uint8Array;
}

/** Who is known, the best source first. */
export function knownOnes(about: Acquaintance): Known[] {
  const { accounts, contacts, watched, history, pending, mine } = about;
  const waiting = pending.flatMap(({ bytes }) => tryDecode(SignedTx, bytes) ?? []);
  const sent = [...waiting, ...(history?.entries.map((entry) => entry.tx) ?? [])];
  const paid = sent.flatMap(({ tx }) => {
    const payee = equal(addressOf(tx.from), mine) ? historyKindOf(tx).payee(tx) : undefined;
    return payee ?? [];
  });
  const named = (source: Known['source']) => (x: { address: Uint8Array; name: string }) => ({
    address: x.address,
    name: x.name,
    source,
  });
  return [
    ...accounts.map(named('account')),
    ...contacts.map(named('contact')),
    ...watched.map(named('watched')),
    ...paid.map((address) => ({ address, name: '', source: 'paid' as const })),
  ];
}

export interface Judgement {
  /** Who it is: one with a name, or an account of one's own; undefined where neither is known. */
  readonly known: Known | undefined;
  readonly isPaid: boolean;
  /** One that is known and looks like it, where it is not known itself. */
  readonly alike: Known | undefined;
}

export function judgePayee(to: Uint8Array, all: readonly Known[], prefix: string): Judgement {
  const same = all.filter(({ address }) => equal(address, to));
  const text = formatAddress(to, prefix);
  const isAlike = ({ address }: Known) => looksAlike(text, formatAddress(address, prefix));
  return {
    known: same.find(({ source }) => source !== 'paid'),
    isPaid: same.some(({ source }) => source === 'paid'),
    alike: same.length ? undefined : all.find(isAlike),
  };
}

/** Both ends together, and places anywhere: by chance one in 200,000 pairs, and fewer. */
const ENDS_MIN = 4;
const PLACES_MIN = 12;

/** What an attacker's search finds: the same characters at the ends, which people read, or in many places. */
export function looksAlike(a: string, b: string): boolean {
  const [one, two] = [bodyOf(a), bodyOf(b)];
  if (one === two || one.length !== two.length) return false;
  const isSame = (i: number) => one[i] === two[i];
  const places = Array.from(one, (_, i) => i);
  const head = places.findIndex((i) => !isSame(i));
  const tail = one.length - 1 - places.findLastIndex((i) => !isSame(i));
  return head + tail >= ENDS_MIN || places.filter(isSame).length >= PLACES_MIN;
}

/** Without the network's prefix, which all share. */
const bodyOf = (text: string): string => text.slice(text.lastIndexOf('1') + 1);

/** Which groups of four differ. */
export const groupsThatDiffer = (text: string, other: string): boolean[] => {
  const others = groupsOf(other);
  return groupsOf(text).map((group, i) => group !== others[i]);
};

/** Whether every transaction of the account is at hand, so that "never" may be said. */
export const isWhole = (history: History | undefined): boolean =>
  history !== undefined && history.linked && history.entries.length === history.total;

/** For lists: the same as one key. */
export const keyOf = ({ address }: Pick<Known, 'address'>): string => toHex(address);
