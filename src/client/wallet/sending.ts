/** Transactions of this peer: the fields of new ones, submitting them, and finding out what became of them. */
import { FEES_FOR, feeReplacing, proposedFees, type Fees } from '../../chain/shared/fees.ts';
import type { LightChain } from '../../chain/light/light-chain.ts';
import { addressOf } from '../../core/address.ts';
import { tryDecode } from '../../core/codec.ts';
import { isFault, isFinal } from '../../core/faults.ts';
import { SignedTx, type Position, type Tx } from '../../core/formats.ts';
import type { Params } from '../../core/params.ts';
import { bornAt } from '../../core/tx/nonce.ts';
import { isSamePlace, lineOf, spentBy, txId } from '../../core/tx/tx.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import type { Announcer } from '../announcer.ts';
import type { Accounts } from './accounts.ts';
import { LIFETIME_BLOCKS, type AccountApi, type Balance } from '../api.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { LightPool } from './light-pool.ts';
import type { Outbox } from './outbox.ts';

/** Pages of the account's history that are searched for what became of a transaction. */
const PAGES_MAX = 20;
const PAGE = 50;

export interface Sending extends Pick<AccountApi, 'submit' | 'pending' | 'prepare'> {
  /** Announces the transactions that wait for a block to peers. */
  announceWaiting(): Promise<void>;
  /** Adds waiting transactions to the pool again; a transaction that no block can hold waits no longer. */
  resubmitWaiting(): Promise<void>;
  /** After a balance was proven: transactions whose nonce is used were confirmed, or replaced. */
  reconcile(balance: Balance): Promise<void>;
}

export interface SendingDeps {
  readonly params: Params;
  readonly chain: LightChain;
  readonly announcer: Announcer;
  readonly pool: LightPool;
  readonly outbox: Outbox;
  readonly accounts: Accounts;
  readonly events: Emitter<PeerEvents>;
}

export function createSending(deps: SendingDeps): Sending {
  const { params, chain, announcer, pool, outbox, accounts, events } = deps;
  const height = (): number => chain.headers.head().header.height;
  const idOf = (tx: Tx): Uint8Array => txId(chain.headers.genesis.id, tx);
  /** Taken by the pool, and on their way to the disk. */
  const coming = new Set<SignedTx>();

  async function announceWaiting(): Promise<void> {
    if (!announcer.hasPeers) return;
    // If no peer is reached, the transaction is announced again later.
    for (const tx of outbox.waiting()) await announcer.announceTx(tx).catch(() => undefined);
  }

  async function resubmitWaiting(): Promise<void> {
    for (const signed of outbox.waiting()) {
      const refused = pool.add(signed, height());
      if (isFault(refused) && isFinal(refused)) await outbox.refuse(idOf(signed.tx));
    }
  }

  /**
   * Another tab, or another device with the same keys, may have used the nonce since this one was made out:
   * nobody said then that this one is to take the other's place. @throws AppError NONCE_TAKEN
   */
  function refuseUnasked(signed: SignedTx, replacing: Uint8Array | undefined): void {
    const waiting = [...coming, ...outbox.unsettled(), ...pool.of(addressOf(signed.tx.from))];
    const rivals = waiting.filter((other) => isRival(other, signed));
    const isAsked = rivals.some(({ tx }) => replacing !== undefined && equal(idOf(tx), replacing));
    if (rivals.length && !isAsked)
      throw new AppError('NONCE_TAKEN', `nonce ${signed.tx.nonce} waits already`);
  }

  /** Another one that would take its place. */
  const isRival = (a: SignedTx, b: SignedTx): boolean =>
    isSamePlace(a.tx, b.tx) && !equal(idOf(a.tx), idOf(b.tx));

  /** What waits of a sender: sent from here, or heard of from another device with the same keys. */
  function waitingOf(address: Uint8Array): SignedTx[] {
    const own = outbox.waiting().filter((signed) => isPaidBy(signed, address));
    const heard = pool.of(address).filter((s) => !own.some((o) => isSamePlace(o.tx, s.tx)));
    return [...own, ...heard];
  }

  return {
    announceWaiting,
    resubmitWaiting,
    pending: async () => outbox.all(),
    async submit(bytes, replacing) {
      const signed = tryDecode(SignedTx, bytes);
      if (!signed) throw new AppError('TX_MALFORMED', 'not a signed transaction');
      if (!outbox.has(signed)) refuseUnasked(signed, replacing);
      const refused = pool.add(signed, height());
      // A call may be repeated: a transaction that was accepted before is not refused, even when it is in a block.
      if (isFault(refused) && !outbox.has(signed)) throw new AppError('TX_REFUSED', refused.fault);
      coming.add(signed);
      const pending = await accounts.payees
        .noteSubmitted(signed.tx)
        .then(() => outbox.add(signed))
        .catch((e: unknown) => {
          // A caller that gets an error must not find the transaction mined.
          if (refused !== 'known') pool.remove([idOf(signed.tx)]);
          throw e;
        })
        .finally(() => coming.delete(signed));

      // It may fill a gap in the nonces: those behind it can be mined now.
      await resubmitWaiting();
      await announceWaiting();
      events.emit('poolGrew', { isOwn: true });
      return pending;
    },
    async prepare(address, replacing, kind = 'transfer') {
      const balance = await accounts.last(address);
      if (!balance) throw new AppError('NOT_PROVEN', 'no balance of this address was proven yet');
      const isOwn = (signed: SignedTx) => isPaidBy(signed, address);
      const old =
        replacing && outbox.unsettled().find((s) => isOwn(s) && equal(idOf(s.tx), replacing))?.tx;
      if (replacing && !old) throw new AppError('TX_UNKNOWN', 'it waits no longer');
      const own = waitingOf(address);
      const others = own.filter(({ tx }) => tx.nonce !== old?.nonce);
      const spent = others.reduce((sum, { tx }) => sum + spentBy(tx), 0n);
      const rivals = own.filter(({ tx }) => tx.nonce === old?.nonce);
      const rival = rivals.reduce((most, { tx }) => (tx.fee > most ? tx.fee : most), 0n);
      const fees = proposedFees(pool.best(height()), FEES_FOR[kind]);
      return {
        chainId: params.chainId,
        nonce: old?.nonce ?? freeNonce(balance.nonce, [...outbox.alive().filter(isOwn), ...own]),
        expiry: height() + LIFETIME_BLOCKS,
        fees: old ? feesOver(rival, fees) : fees,
        spendable: balance.spendable > spent ? balance.spendable - spent : 0n,
      };
    },
    async reconcile({ address, nonce }) {
      const own = outbox.unplaced().filter((signed) => isPaidBy(signed, address));
      const here = own.filter(({ tx }) => bornAt(tx.nonce) === bornAt(nonce));
      // What emptied the account took its leaf, and the history with it.
      for (const signed of own)
        if (!here.includes(signed)) {
          const found = await accounts.find(idOf(signed.tx));
          if (found) await settle(signed, found.tx, found.height);
        }
      let used = here.filter(({ tx }) => tx.nonce < nonce);
      let from: Position | undefined;
      for (let page = 0; used.length && page < PAGES_MAX; page++) {
        const { entries, next } = await accounts.history(address, PAGE, from);
        for (const { tx, position } of entries) {
          const rivals = used.filter((s) => isSamePlace(s.tx, tx.tx));
          for (const signed of rivals) await settle(signed, tx.tx, position.height);
          used = used.filter((s) => !rivals.includes(s));
        }
        if (!(from = next)) return;
      }
    },
  };

  /** `there` is in a block with the same nonce: the transaction itself, or one that displaced it. */
  async function settle(signed: SignedTx, there: Tx, at: number): Promise<void> {
    const id = idOf(signed.tx);
    if (!equal(idOf(there), id)) await outbox.replace(id, at);
    else await outbox.noteHead(height(), [{ id, height: at }]);
  }
}

/** Whether it takes one of the account's nonces. */
const isPaidBy = ({ tx }: SignedTx, address: Uint8Array): boolean =>
  lineOf(tx).of === 'account' && equal(addressOf(tx.from), address);

/** The lowest nonce that is free: an expired transaction leaves a gap, and nothing after a gap is mined. */
function freeNonce(least: bigint, alive: readonly SignedTx[]): bigint {
  const taken = new Set(alive.map(({ tx }) => tx.nonce));
  while (taken.has(least)) least++;
  return least;
}

/** Those fees, but none that would not displace a transaction with this fee. */
function feesOver(fee: bigint, { slow, normal, fast }: Fees): Fees {
  const least = feeReplacing(fee) > fee ? feeReplacing(fee) : fee + 1n;
  const atLeast = (proposed: bigint) => (proposed > least ? proposed : least);
  return { slow: atLeast(slow), normal: atLeast(normal), fast: atLeast(fast) };
}
