/**
 * The pool of a light client. Where the state that a transaction needs is known, the transaction is judged by
 * that state as a full node does. Otherwise it is checked as far as possible without state, and judged later.
 */
import { feeMin } from '../../chain/shared/fees.ts';
import { Mempool, poolBase, type HeadChange } from '../../chain/shared/mempool.ts';
import { VerifiedSignatures } from '../../chain/shared/verified-signatures.ts';
import { fault, type Fault } from '../../core/faults.ts';
import type { Header, SignedTx, Tx } from '../../core/formats.ts';
import type { Params } from '../../core/params.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { txFaults } from '../../core/tx/apply.ts';
import { kindOf, leafOfLine } from '../../core/tx/kinds.ts';
import type { Prospect } from '../../core/tx/kinds/kind.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import { txBytes, txId, verifySignature } from '../../core/tx/tx.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import type { PeerInfo, Transport } from '../../net/transport.ts';

/** Transactions that could not be judged yet; the oldest makes room. */
export const UNJUDGED_MAX = 200;

/** Transactions of abandoned blocks that are judged again at one head: each costs a signature check. */
const BACK_MAX = 1_000;

const NOTHING: HeadChange['changed'] = { has: () => false };
const NOTHING_CHANGED: HeadChange = { reverted: [], confirmed: NOTHING, changed: NOTHING };

/** Peers remembered as asked for their pools. */
const SAMPLED_MAX = 256;

export interface LightPool {
  /** @returns a fault, `known`, or undefined when the transaction is new and kept. `height`: the head's height */
  add(signed: SignedTx, height: number): Fault | 'known' | undefined;
  remove(ids: Iterable<Uint8Array>): void;
  get(idHex: string): SignedTx | undefined;
  /** Judged transactions of an address, in order of nonce. */
  of(address: Uint8Array): SignedTx[];
  /** Best fee first, one sender's transactions in order of nonce; transactions not judged yet come last. */
  best(height: number): SignedTx[];
  /** Only judged transactions, of which a block can be made. The same array until it changes. */
  judged(): readonly SignedTx[];
  /** After a new head, or when more of its state is known; `back`: from abandoned blocks, lowest first. */
  setHead(header: Header, tree: Tree | undefined, back?: readonly SignedTx[]): void;
  /** Keys of leaves that are needed to judge the remaining transactions. */
  missing(height: number): Uint8Array[];
  readonly size: number;
}

/** `verified`: the chain's, which executes blocks with the same transactions. */
export function createLightPool(
  params: Params,
  chain: Pick<StateContext, 'genesis'>,
  verified = new VerifiedSignatures(chain.genesis),
): LightPool {
  const pool = new Mempool(verified);
  let head: Header | undefined;
  /** What is known of the state after the head. */
  let state: Tree | undefined;
  const unjudged = new BoundedMap<string, SignedTx>(UNJUDGED_MAX);
  let sorted: { revision: number; txs: readonly SignedTx[] } | undefined;

  const get = (idHex: string): SignedTx | undefined => pool.get(idHex) ?? unjudged.get(idHex);

  /** The fault of a transaction as far as it can be found without the state. */
  function faultAlone(signed: SignedTx, height: number): Fault | undefined {
    const refused = params.rules.first(txFaults(params, height + 1, signed));
    if (refused) return refused;
    const least = feeMin(txBytes(signed).length, 0);
    if (signed.tx.fee < least) return fault('tx.fee-low', { least });
    if (!verified.has(signed) && !verifySignature(chain.genesis, signed))
      return fault('tx.signature');
    verified.add(signed);
    return undefined;
  }

  function add(signed: SignedTx, height: number): Fault | 'known' | undefined {
    const hex = toHex(txId(chain.genesis, signed.tx));
    if (get(hex)) return 'known';
    const refused = pool.add(signed);
    if (!refused) return undefined;
    if (refused.fault !== 'tx.unjudged') return refused;
    const alone = faultAlone(signed, height);
    if (!alone) unjudged.set(hex, signed);
    return alone;
  }

  /** Adds waiting transactions again: each is now judged, refused, or still without its state. */
  function judgeAgain(waiting: readonly SignedTx[], height: number): void {
    unjudged.clear();
    for (const signed of waiting) add(signed, height);
  }

  return {
    add,
    get,
    remove(ids) {
      for (const id of ids) {
        pool.remove(toHex(id));
        unjudged.delete(toHex(id));
      }
    },
    of: (address) => pool.of(address),
    judged() {
      if (sorted?.revision !== pool.revision)
        sorted = { revision: pool.revision, txs: pool.byFee() };
      return sorted.txs;
    },
    best: (height) => [
      ...pool.byFee(),
      ...[...unjudged].map(([, tx]) => tx).filter(({ tx }) => tx.expiry > height),
    ],
    setHead(header, tree, back = []) {
      const isSame = head === header && !back.length;
      if (isSame && state === tree) return;
      // More of the same state is known: what was judged stands, what was not may be now.
      const change = isSame && tree && state ? NOTHING_CHANGED : undefined;
      head = header;
      // Reverted transactions come first, because the nonces of the others follow theirs.
      const ours = [...pool.byFee(), ...[...unjudged].map(([, tx]) => tx)];
      const waiting = [...back.slice(0, BACK_MAX), ...ours];
      state = tree;
      if (tree) pool.setBase(poolBase(params, chain, tree, header), change);
      const left = tree
        ? waiting.filter(({ tx }) => !pool.get(toHex(txId(chain.genesis, tx))))
        : waiting;
      judgeAgain(left, header.height);
    },
    missing(height) {
      const prospect = { height: height + 1, tree: state, genesis: chain.genesis };
      return [...unjudged].flatMap(([, { tx }]) => leavesOf(tx, prospect));
    },
    get size() {
      return pool.size + unjudged.size;
    },
  };
}

/** Asks each new peer once for the transactions in its pool. */
export function createSampler(
  transport: Transport,
  add: (tx: SignedTx) => void,
): (peers: readonly PeerInfo[]) => Promise<void> {
  const asked = new BoundedMap<string, true>(SAMPLED_MAX);
  return async (peers) => {
    for (const { id } of peers) {
      if (asked.has(id)) continue;
      asked.set(id, true);
      const request = transport.request(id, { type: 'transactions' });
      const answer = await request.catch(() => undefined);
      if (answer?.type === 'transactions') answer.txs.forEach(add);
    }
  };
}

/** Keys of the leaves that are read when the transaction is judged. */
export const leavesOf = (tx: Tx, prospect: Prospect): Uint8Array[] => [
  leafOfLine(tx),
  ...kindOf(tx).reads(tx, prospect),
];
