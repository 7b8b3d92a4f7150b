/** What this peer sends: fields for new transactions, handing them to the network, what became of them. */
import type { LightChain } from '../chain/light-chain.ts';
import { addressOf } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { isFault } from '../core/faults.ts';
import { SignedTx } from '../core/formats.ts';
import type { Params } from '../core/params.ts';
import { spentBy, txId } from '../core/tx.ts';
import { equal } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import type { Transport } from '../net/transport.ts';
import type { Accounts } from './accounts.ts';
import type { AccountApi, Balance, Fees } from './api.ts';
import type { LightPool } from './light-pool.ts';
import type { Outbox } from './outbox.ts';

/** nV suggested for a transfer: ten times what a pool asks at least. */
const FEES: Fees = { slow: 1_000n, normal: 10_000n, fast: 100_000n };
/** Blocks in which a new transaction may be mined. */
const LIFETIME_BLOCKS = 120;

export interface Sending extends Pick<AccountApi, 'submit' | 'pending' | 'prepare'> {
  /** Tells peers again of what waits. */
  tellWaiting(): Promise<void>;
  /** After a proven balance: ours whose nonce is used up are confirmed or displaced. */
  reconcile(balance: Balance): Promise<void>;
}

export interface SendingParts {
  readonly params: Params;
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly pool: LightPool;
  readonly outbox: Outbox;
  readonly accounts: () => Accounts;
  /** Something new may go into a block. */
  readonly onPool: () => Promise<void>;
  /** Makes a repeated announcement new. */
  readonly nextSequence: () => number;
}

export function createSending(parts: SendingParts): Sending {
  const { params, chain, transport, pool, outbox } = parts;
  const height = (): number => chain.head()?.header.height ?? 0;

  async function tellWaiting(): Promise<void> {
    if (!transport.peers().length) return;
    for (const tx of outbox.waiting())
      await transport.announceTx({ tx, sequence: parts.nextSequence() }).catch(() => undefined);
  }

  return {
    tellWaiting,
    pending: async () => outbox.all(),
    async submit(bytes) {
      const signed = tryDecode(SignedTx, bytes);
      if (!signed) throw new AppError('TX_MALFORMED', 'not a signed transaction');
      const refused = pool.add(signed, height());
      if (isFault(refused)) throw new AppError('TX_REFUSED', refused.fault);
      const pending = await outbox.add(signed).catch((e: unknown) => {
        // Who is told that it failed must not find it mined.
        if (refused !== 'known') pool.remove([txId(signed.tx)]);
        throw e;
      });
      await tellWaiting();
      await parts.onPool();
      return pending;
    },
    async prepare(address) {
      const balance = await parts.accounts().last(address);
      if (!balance || !chain.head())
        throw new AppError('NOT_PROVEN', 'no balance of this address was proven yet');
      const own = outbox.waiting().filter(({ tx }) => equal(addressOf(tx.from), address));
      const spent = own.reduce((sum, { tx }) => sum + spentBy(tx), 0n);
      return {
        chainId: params.chainId,
        nonce: Math.max(balance.nonce, ...own.map(({ tx }) => tx.nonce + 1)),
        expiry: height() + LIFETIME_BLOCKS,
        fees: FEES,
        spendable: balance.spendable > spent ? balance.spendable - spent : 0n,
      };
    },
    async reconcile({ address, nonce }) {
      const used = outbox
        .waiting()
        .filter(({ tx }) => tx.nonce < nonce && equal(addressOf(tx.from), address));
      if (!used.length) return;
      const { entries } = await parts.accounts().history(address, 50);
      for (const { tx } of used) {
        const id = txId(tx);
        const entry = entries.find((e) => equal(txId(e.tx.tx), id));
        if (entry) await outbox.follow(height(), [{ id, height: entry.position.height }], []);
        else if (entries.length) await outbox.refuse(id);
      }
    },
  };
}
