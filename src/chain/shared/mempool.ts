/**
 * Transactions that wait for a block. Every one is valid on the head's state after those of the
 * same sender before it: nothing is kept that no block could take. A result may wait right behind its
 * claim: it is judged as of the block after the claim's.
 */
import { addressOf } from '../../core/address.ts';
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { HeaderCore, SignedTx, Tx } from '../../core/formats.ts';
import { ZERO_HASH } from '../../core/hash.ts';
import { stateKey } from '../../core/tree/keys.ts';
import type { Params } from '../../core/params.ts';
import { beginBlock, executeTx } from '../../core/state.ts';
import type { BlockState, StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { kindOf } from '../../core/tx/kinds.ts';
import { txBytes, txId } from '../../core/tx/tx.ts';
import { StateView } from '../../core/tree/view.ts';
import { toHex } from '../../lib/bytes.ts';

export const POOL_TXS_MAX = 5000;
export const POOL_BYTES_MAX = 8 * 1024 * 1024;
/** Waiting transactions of one sender: what one key can take of the pool. */
export const SENDER_TXS_MAX = 64;
/**
 * nV: what a transaction must pay to be kept. A claim leaves leaves behind as a transfer does, and so
 * pays as much; a result takes its claim's away, there is one for each, and it is free.
 */
export const FEE_MIN = 1_000n;
/** Per cent: a replacement must pay this much of the old fee. */
export const REPLACEMENT_PERCENT = 110n;

/** What the next block's transactions will meet. */
export interface PoolBase {
  readonly params: Params;
  readonly context: StateContext;
  /** After the head, with what the next block does before its transactions. */
  readonly tree: Tree;
  /** Of the next block. */
  readonly height: number;
}

/** The head's state with what every next block does first: coins mature, requests end. */
export function poolBase(
  params: Params,
  context: StateContext,
  tree: Tree,
  head: Pick<HeaderCore, 'height' | 'bits'>,
): PoolBase {
  const height = head.height + 1;
  const nobody = { miner: ZERO_HASH, modelId: ZERO_HASH, jobId: ZERO_HASH };
  const block = beginBlock(tree, { ...nobody, height, bits: head.bits }, params, context);
  // A partial tree may lack what ends here: it is judged on what there is.
  return { params, context, tree: isFault(block) ? tree : block.view.tree(), height };
}

export interface PoolTx {
  readonly id: string;
  readonly signed: SignedTx;
  readonly bytes: number;
}

interface Sender {
  /** Of its address. */
  readonly hex: string;
  readonly accountKey: string;
  /** Nonces without a gap, from the account's. */
  txs: readonly PoolTx[];
  /** State after all of them; undefined until it is needed again. */
  block: BlockState | undefined;
}

/** Where a new transaction would stand. */
interface Placed {
  readonly tx: PoolTx;
  readonly sender: Sender;
  /** The sender's transactions with it among them. */
  readonly next: readonly PoolTx[];
  /** It replaces none. */
  readonly isNew: boolean;
}

/** What a new head did, for the transactions that wait. */
export interface HeadChange {
  /** Of blocks that left the main chain, in order; those taken in again left out. */
  readonly reverted: readonly SignedTx[];
  /** Ids in hex that are in the main chain now. */
  readonly confirmed: ReadonlySet<string>;
  /** State keys in hex whose leaf differs. */
  readonly changed: ReadonlySet<string>;
}

export class Mempool {
  /** By address in hex; only those with transactions. */
  readonly #senders = new Map<string, Sender>();
  /** All of theirs by id in hex. */
  readonly #txs = new Map<string, PoolTx>();
  /** Their signatures were checked here once: the costliest rule, and its verdict can't change. */
  readonly #verified = new WeakSet<SignedTx>();
  #base: PoolBase | undefined;
  #bytes = 0;
  #revision = 0;

  get size(): number {
    return this.#txs.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Grows with every change: tells whether something made from the pool is stale. */
  get revision(): number {
    return this.#revision;
  }

  get(idHex: string): SignedTx | undefined {
    return this.#txs.get(idHex)?.signed;
  }

  /** Of one address, in order of nonce. */
  of(address: Uint8Array): SignedTx[] {
    return (this.#senders.get(toHex(address))?.txs ?? []).map(({ signed }) => signed);
  }

  /** Best fee first; a sender's in order of nonce. */
  byFee(): SignedTx[] {
    const ranked = [...this.#senders.values()].flatMap(({ txs }) => {
      // What a transaction can bring: no more than the poorest before it lets through.
      let rank = worthOf(txs[0]!.signed);
      return txs.map(({ signed }) => {
        if (worthOf(signed) < rank) rank = worthOf(signed);
        return { signed, rank };
      });
    });

    // The sort is stable: equals of one sender stay in order of nonce.
    return ranked.sort((a, b) => Number(b.rank - a.rank)).map(({ signed }) => signed);
  }

  /**
   * Adds or replaces. @returns why it is not taken; `tx.unjudged` when that cannot be told yet, for lack
   * of a head or of what it reads of the state
   */
  add(signed: SignedTx): Fault | undefined {
    const placed = this.#place(signed);
    if (isFault(placed)) return placed;

    const { tx, sender, next, isNew } = placed;
    const noRoom = isNew ? this.#makeRoom(tx, sender) : undefined;
    // The state went one transaction too far: made again when it is needed.
    if (noRoom) sender.block = undefined;
    else this.#set(sender, next);
    return noRoom;
  }

  /** What `add` would return, but for a lack of room; nothing is kept. */
  judge(signed: SignedTx): Fault | undefined {
    const placed = this.#place(signed);
    if (isFault(placed)) return placed;

    placed.sender.block = undefined;
    this.#verified.add(signed);
    return undefined;
  }

  /** With those of its sender that come after it. */
  remove(idHex: string): void {
    const signed = this.get(idHex);
    if (!signed) return;

    const sender = this.#senderOf(addressOf(signed.tx.from));
    sender.block = undefined;
    const at = sender.txs.findIndex((tx) => tx.id === idHex);
    this.#set(sender, sender.txs.slice(0, at));
  }

  /** A new head, or more that is known of its state: what it makes invalid goes, what it reverted returns. */
  setBase(base: PoolBase, change?: HeadChange): void {
    this.#base = base;
    const reverted = change?.reverted ?? [];
    // They were in a block that was executed here.
    for (const signed of reverted) this.#verified.add(signed);

    const returned = Map.groupBy(reverted, ({ tx }) => toHex(addressOf(tx.from)));
    for (const [hex, [first]] of returned)
      if (!this.#senders.has(hex)) this.#senders.set(hex, newSender(addressOf(first!.tx.from)));

    for (const sender of [...this.#senders.values()]) {
      sender.block = undefined;
      const back = (returned.get(sender.hex) ?? []).map(poolTx);
      if (!back.length && change && !isAffected(base, sender, change)) continue;

      const all = mergeByNonce(back, sender.txs).filter((tx) => !change?.confirmed.has(tx.id));
      const run = runSequence(this.#newBlock(base), all);
      sender.block = run.block;
      this.#set(sender, run.kept.slice(0, SENDER_TXS_MAX));
    }
  }

  /** What becomes of the sender's transactions with this one among them; nothing is kept. */
  #place(signed: SignedTx): Placed | Fault {
    const base = this.#base;
    if (!base) return fault('tx.unjudged', { problem: 'there is no head yet' });
    const tx = poolTx(signed);
    if (this.#txs.has(tx.id)) return fault('tx.known');
    if (!paysEnough(signed.tx)) return fault('tx.fee-low', { least: FEE_MIN });

    const sender = this.#senderOf(addressOf(signed.tx.from));
    const at = sender.txs.findIndex((old) => sameNonce(old, tx));
    const next = at < 0 ? this.#append(base, sender, tx) : this.#replace(base, sender, tx, at);
    return isFault(next) ? next : { tx, sender, next, isNew: at < 0 };
  }

  #append(base: PoolBase, sender: Sender, tx: PoolTx): readonly PoolTx[] | Fault {
    if (sender.txs.length >= SENDER_TXS_MAX) return fault('tx.pool-full', { of: 'sender' });
    sender.block ??= runSequence(this.#newBlock(base), sender.txs).block;
    return execute(sender.block, sender.txs, tx) ?? [...sender.txs, tx];
  }

  #replace(base: PoolBase, sender: Sender, tx: PoolTx, at: number): readonly PoolTx[] | Fault {
    const old = sender.txs[at]!.signed.tx.fee;
    const least = (old * REPLACEMENT_PERCENT + 99n) / 100n;
    const { fee } = tx.signed.tx;
    if (fee <= old || fee < least) return fault('tx.fee-low', { fee, least });

    const run = runSequence(this.#newBlock(base), sender.txs.with(at, tx));
    const refused = run.refusals.get(tx.id);
    if (refused) return refused;
    sender.block = run.block;
    return run.kept;
  }

  /** Frees room by dropping others' last transactions that pay less. */
  #makeRoom(tx: PoolTx, own: Sender): Fault | undefined {
    while (this.#txs.size >= POOL_TXS_MAX || this.#bytes + tx.bytes > POOL_BYTES_MAX) {
      let poorest: Sender | undefined;
      for (const sender of this.#senders.values())
        if (sender.hex !== own.hex && (!poorest || lastFee(sender) < lastFee(poorest)))
          poorest = sender;
      if (!poorest || lastFee(poorest) >= worthOf(tx.signed)) return fault('tx.pool-full');

      poorest.block = undefined;
      this.#set(poorest, poorest.txs.slice(0, -1));
    }
    return undefined;
  }

  #senderOf(address: Uint8Array): Sender {
    return this.#senders.get(toHex(address)) ?? newSender(address);
  }

  #set(sender: Sender, next: readonly PoolTx[]): void {
    for (const old of sender.txs) if (this.#txs.delete(old.id)) this.#bytes -= old.bytes;
    for (const tx of next) {
      this.#verified.add(tx.signed);
      this.#txs.set(tx.id, tx);
      this.#bytes += tx.bytes;
    }

    sender.txs = next;
    if (next.length) this.#senders.set(sender.hex, sender);
    else this.#senders.delete(sender.hex);
    this.#revision++;
  }

  #newBlock({ tree, params, context, height }: PoolBase): BlockState {
    return {
      view: new StateView(tree),
      params,
      context: { ...context, signatureKnown: (signed) => this.#verified.has(signed) },
      height,
      count: 0,
      fees: 0n,
      burned: 0n,
      // How many results fit is decided for a whole block.
      macsLeft: 1n << 256n,
      firstResults: 0,
    };
  }
}

/** Whether a pool keeps a transaction of that fee while it has room. */
export const paysEnough = (tx: Tx): boolean => tx.fee >= FEE_MIN || kindOf(tx).isPrepaid;

/** nV that ranks it: what was paid before it came counts as the least fee. */
const worthOf = ({ tx }: SignedTx): bigint =>
  kindOf(tx).isPrepaid && tx.fee < FEE_MIN ? FEE_MIN : tx.fee;

const lastFee = (sender: Sender): bigint => {
  const last = sender.txs.at(-1);
  return last ? worthOf(last.signed) : 0n;
};

const poolTx = (signed: SignedTx): PoolTx => ({
  id: toHex(txId(signed.tx)),
  signed,
  bytes: txBytes(signed).length,
});

const newSender = (address: Uint8Array): Sender => ({
  hex: toHex(address),
  accountKey: toHex(stateKey.account(address)),
  txs: [],
  block: undefined,
});

/** A reverted transaction comes before a waiting one of the same nonce: it was good enough once. */
function mergeByNonce(back: readonly PoolTx[], waiting: readonly PoolTx[]): PoolTx[] {
  const all = [...back, ...waiting.filter((w) => !back.some((b) => sameNonce(b, w)))];
  return all.sort((a, b) => a.signed.tx.nonce - b.signed.tx.nonce);
}

const sameNonce = (a: PoolTx, b: PoolTx): boolean => a.signed.tx.nonce === b.signed.tx.nonce;

/** Whether a new head can have changed what a sender's transactions are worth. */
const isAffected = (base: PoolBase, sender: Sender, change: HeadChange): boolean =>
  change.changed.has(sender.accountKey) ||
  sender.txs.some(({ signed: { tx } }) => kindOf(tx).isOpenToOthers || tx.expiry < base.height);

/** One that needs an earlier one in a block before its own is judged as of the block after that. */
function execute(
  block: BlockState,
  before: readonly PoolTx[],
  { signed }: PoolTx,
): Fault | undefined {
  const { tx } = signed;
  const follows = before.some((old) => kindOf(tx).needsBefore(tx, old.signed.tx));
  const refused = executeTx(follows ? { ...block, height: block.height + 1 } : block, signed);
  // The gap is in the state held here; nobody sent a witness.
  return refused?.fault === 'state.witness' ? fault('tx.unjudged', refused.context) : refused;
}

/** Executes one sender's transactions alone; what is refused, and so all that build on it, is left out. */
function runSequence(
  block: BlockState,
  sequence: readonly PoolTx[],
): { block: BlockState; kept: PoolTx[]; refusals: Map<string, Fault> } {
  const kept: PoolTx[] = [];
  const refusals = new Map<string, Fault>();
  for (const tx of sequence) {
    const refused = execute(block, kept, tx);
    if (refused) refusals.set(tx.id, refused);
    else kept.push(tx);
  }
  return { block, kept, refusals };
}
