/** Whom a payment goes to: known, new, or made to be mistaken for one that is known. Pure. */
import type { Payees, PendingTx } from '../../../client/api.ts';
import { addressOf, formatAddress } from '../../../core/address.ts';
import { tryDecode } from '../../../core/codec.ts';
import { SignedTx } from '../../../core/formats.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import type { VaultAccount } from '../../../wallet/vault/vault-api.ts';
import { groupsOf } from '../../kit/format.ts';
import { historyKindOf } from '../history/kinds.ts';

/** An address that the person has dealt with. */
export interface Known {
  readonly address: Uint8Array;
  /** '' where there is none. */
  readonly name: string;
  /**
   * `sent`: something was signed for it, which no block may have taken. `received`: it sent coins, and that
   * makes nobody known, because dust comes from anybody; but who takes after it may be meant to be mistaken.
   */
  readonly source: 'account' | 'contact' | 'watched' | 'paid' | 'sent' | 'received';
}

export interface Acquaintance {
  readonly accounts: readonly VaultAccount[];
  readonly contacts: readonly { address: Uint8Array; name: string }[];
  readonly watched: readonly { address: Uint8Array; name: string }[];
  /** Of each account of the person's. */
  readonly dealings: readonly Pick<Payees, 'paid' | 'sent' | 'received'>[];
  readonly pending: readonly PendingTx[];
}

/** Who is known, the best source first. */
export function knownOnes(about: Acquaintance): Known[] {
  const { accounts, contacts, watched, dealings, pending } = about;
  const mine = new Set(accounts.map(keyOf));
  const payeesOf = (some: readonly PendingTx[]) =>
    some.flatMap(({ bytes }) => {
      const tx = tryDecode(SignedTx, bytes)?.tx;
      const isMine = tx && mine.has(toHex(addressOf(tx.from)));
      return (isMine && historyKindOf(tx).payee(tx)) || [];
    });
  /** What was cancelled, refused or not mined in time paid nobody. */
  const isPaying = ({ state }: PendingTx) => state === 'pending' || state === 'confirmed';
  const named = (source: Known['source']) => (x: { address: Uint8Array; name: string }) => ({
    address: x.address,
    name: x.name,
    source,
  });
  const nameless = (source: Known['source']) => (address: Uint8Array) => ({
    address,
    name: '',
    source,
  });
  return [
    ...accounts.map(named('account')),
    ...contacts.map(named('contact')),
    ...watched.map(named('watched')),
    ...payeesOf(pending.filter(isPaying)).map(nameless('paid')),
    ...payeesOf(pending).map(nameless('sent')),
    ...dealings.flatMap(({ paid }) => paid.map(nameless('paid'))),
    ...dealings.flatMap(({ sent }) => sent.map(nameless('sent'))),
    ...dealings.flatMap(({ received }) => received.map(nameless('received'))),
  ];
}

export interface Judgement {
  /** Who it is: one with a name, or an account of one's own; undefined where neither is known. */
  readonly known: Known | undefined;
  readonly isPaid: boolean;
  /** It has a name, or something was sent to it from here. */
  readonly isAcquainted: boolean;
  /** One that was dealt with and looks like it, where it is not acquainted itself. */
  readonly alike: Known | undefined;
}

export function judgePayee(to: Uint8Array, all: readonly Known[], prefix: string): Judgement {
  const same = all.filter(({ address }) => equal(address, to));
  const text = formatAddress(to, prefix);
  const isAlike = ({ address }: Known) => looksAlike(text, formatAddress(address, prefix));
  const isAcquainted = same.some(({ source }) => source !== 'received');
  return {
    known: same.find(({ source }) => ['account', 'contact', 'watched'].includes(source)),
    isPaid: same.some(({ source }) => source === 'paid'),
    isAcquainted,
    alike: isAcquainted ? undefined : all.find(isAlike),
  };
}

/**
 * What the person has to compare it with before the signature: the key of the one that it takes after, or `all`,
 * the address as it was given; undefined: nothing. What was compared with one thing was not with another.
 * @param isWhole everybody who was ever dealt with is known
 */
export function toCompare(judgement: Judgement, isWhole: boolean): string | undefined {
  if (judgement.alike) return keyOf(judgement.alike);
  return judgement.isAcquainted || isWhole ? undefined : 'all';
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

/** For lists: the same as one key. */
export const keyOf = ({ address }: { readonly address: Uint8Array }): string => toHex(address);
