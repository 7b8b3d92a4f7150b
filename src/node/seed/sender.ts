/** Sends transactions with a key of this node, one at a time: two at once would take the same nonce. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { FEES_FOR, proposedFees } from '../../chain/shared/fees.ts';
import type { FullChain } from '../../chain/full/full-chain.ts';
import { addressOf } from '../../core/address.ts';
import { isFault } from '../../core/faults.ts';
import type { SignedTx, Tx } from '../../core/formats.ts';
import type { Params } from '../../core/params.ts';
import { signTx } from '../../core/tx/tx.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Transport } from '../../net/transport.ts';

/** Transactions that may wait to be sent. */
const QUEUE_MAX = 100;
/** Blocks after which waiting transactions are announced again: miners on another branch may have refused them. */
const REANNOUNCE_BLOCKS = 8;
/** Blocks in which a sent transaction may still be mined. */
const LIFETIME = 200;

type Common = 'chainId' | 'from' | 'nonce' | 'expiry';
/** Fields that the caller gives; the sender fills in the others. `fee` in nV, as `feeFor` proposes it. */
export type TxFields = Tx extends infer T ? (T extends Tx ? Omit<T, Common> : never) : never;

export interface Sender {
  /** x-only public key. */
  readonly publicKey: Uint8Array;
  readonly address: Uint8Array;
  /**
   * Signs with the next nonce, adds to the pool and announces. `keep` runs before anybody can see the
   * transaction: what it stores can be announced after a crash. @throws TX_REFUSED (the fault's code as
   * message), SENDER_BUSY, CHAIN_BUSY
   */
  send(fields: TxFields, keep?: (signed: SignedTx) => Promise<void>): Promise<SignedTx>;
  /** nV with which such a transaction is in one of the next blocks, by what waits. */
  feeFor(kind: Tx['type']): bigint;
  /** Adds a transaction signed before to the pool and announces it, also if the pool has it. @throws TX_REFUSED */
  announce(signed: SignedTx): Promise<void>;
}

export interface SenderDeps {
  readonly chain: FullChain;
  readonly params: Params;
  readonly transport: Transport;
}

export function createSender({ chain, params, transport }: SenderDeps, secret: Uint8Array): Sender {
  const from = schnorr.getPublicKey(secret);
  const address = addressOf(from);
  const queue = new SerialQueue(QUEUE_MAX, 'SENDER_BUSY');
  let sequence = 0;

  /** The nonce after all waiting transactions; another node with this key may have sent some of them. */
  const nextNonce = (): bigint =>
    chain.mempool
      .of(address)
      .reduce(
        (n, { tx }) => (tx.nonce < n ? n : tx.nonce + 1n),
        chain.account(address)?.nonce ?? 0n,
      );

  async function announce(signed: SignedTx): Promise<void> {
    const refused = await chain.addTx(signed);
    if (isFault(refused) && refused.fault !== 'tx.known')
      throw new AppError('TX_REFUSED', refused.fault);
    await transport.announceTx({ tx: signed, sequence: ++sequence });
  }

  chain.subscribe((event) => {
    if (event.type !== 'head' || event.point.header.height % REANNOUNCE_BLOCKS) return;
    for (const tx of chain.mempool.of(address))
      void transport.announceTx({ tx, sequence: ++sequence }).catch(() => undefined);
  });

  return {
    publicKey: from,
    address,
    feeFor: (kind) => proposedFees(chain.mempool.byFee(), FEES_FOR[kind]).normal,
    announce,
    send: (fields, keep) =>
      queue.run(async () => {
        const { chainId } = params;
        const expiry = chain.head().header.height + LIFETIME;
        const tx = { ...fields, chainId, from, nonce: nextNonce(), expiry } as Tx;
        const signed = signTx(chain.params.genesis.id, tx, secret);
        await keep?.(signed);
        await announce(signed);
        return signed;
      }),
  };
}
