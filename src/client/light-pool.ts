/** Transactions a light client has seen and may put into its own blocks: checked as far as it can. */
import { CLAIMS_PER_BLOCK_MAX } from '../core/params.ts';
import { firstFault, fault, type Fault } from '../core/faults.ts';
import type { SignedTx } from '../core/formats.ts';
import type { Params } from '../core/params.ts';
import { txFaults, txId, verifySignature, type Models } from '../core/tx.ts';
import { BoundedMap } from '../lib/bounded.ts';
import { toHex } from '../lib/bytes.ts';

/** Transactions kept; the one seen longest ago makes room. */
const POOL_MAX = 500;
/** Transactions of a template: what one state proof can open with room to spare. */
export const TEMPLATE_TXS_MAX = CLAIMS_PER_BLOCK_MAX;

export interface LightPool {
  /** A fault, `known`, or undefined when it is new and kept. */
  add(signed: SignedTx, height: number): Fault | 'known' | undefined;
  get(idHex: string): SignedTx | undefined;
  remove(ids: Iterable<Uint8Array>): void;
  /** Dearest first, at most TEMPLATE_TXS_MAX. */
  best(height: number): SignedTx[];
  readonly size: number;
}

export function createLightPool(params: Params, models: Models): LightPool {
  const txs = new BoundedMap<string, SignedTx>(POOL_MAX);
  return {
    add(signed, height) {
      const id = toHex(txId(signed.tx));
      if (txs.has(id)) return 'known';
      const refused = firstFault(params.off, txFaults(params, models, height + 1, signed));
      if (refused) return refused;
      if (!verifySignature(signed)) return fault('tx.signature');
      if (signed.tx.type === 'transfer' && signed.tx.fee < 1n) return fault('tx.fee-low');
      txs.set(id, signed);
      return undefined;
    },
    get: (idHex) => txs.get(idHex),
    remove(ids) {
      for (const id of ids) txs.delete(toHex(id));
    },
    best(height) {
      const fresh = [...txs].map(([, tx]) => tx).filter(({ tx }) => tx.expiry > height);
      // By nonce among one sender's, or none but the first would be valid.
      fresh.sort((a, b) => Number(b.tx.fee - a.tx.fee) || a.tx.nonce - b.tx.nonce);
      return fresh.slice(0, TEMPLATE_TXS_MAX);
    },
    get size() {
      return txs.size;
    },
  };
}
