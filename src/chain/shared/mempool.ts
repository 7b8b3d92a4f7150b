/**
 * Transactions that wait for a block. Every one is valid on the head's state after those of the
 * same line before it: nothing is kept that no block could take. An account's line is ordered by its nonces; the
 * close of a channel is alone in a line, that of its channel.
 *
 * One order ranks them all: what a transaction can bring a miner for the room that it takes, fee ÷ bytes, which is no
 * more than the poorest of its line before it lets through. Blocks are filled from its start, and where there is no
 * room its end goes.
 */
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { HeaderCore, SignedTx, Tx } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import type { Params } from '../../core/params.ts';
import { beginBlock, executeTx } from '../../core/state.ts';
import { emptyBlock, type BlockState, type StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { kindOf, leafOfLine } from '../../core/tx/kinds.ts';
import { lineOf, txBytes, txId } from '../../core/tx/tx.ts';
import { toHex } from '../../lib/bytes.ts';
import { Heap } from '../../lib/heap.ts';
import { compareRates, feeMin, feeReplacing, type Rate } from './fees.ts';
import { VerifiedSignatures } from './verified-signatures.ts';

export interface PoolLimits {
  readonly txs: number;
  readonly bytes: number;
}
export const POOL_LIMITS: PoolLimits = { txs: 5000, bytes: 8 * 1024 * 1024 };
/** Waiting transactions of one line: what one key can take of the pool. Each channel's is one more, which cost coins. */
export const SENDER_TXS_MAX = 64;

/** What the next block's transactions will meet. */
export interface PoolBase {
  readonly params: Params;
  readonly context: StateContext;
  /** After the head, with what the next block does before its transactions. */
  readonly tree: Tree;
  /** Of the next block. */
  readonly height: number;
}

/** The head's state with what every next block does first: coins mature, channels end. */
export function poolBase(
  params: Params,
  context: StateContext,
  tree: Tree,
  head: Pick<HeaderCore, 'height'>,
): PoolBase {
  const height = head.height + 1;
  const block = beginBlock(tree, height, params, context);
  // A partial tree may lack what ends here: it is judged on what there is.
  return { params, context, tree: isFault(block) ? tree : block.view.tree(), height };
}

/** Its id and its size are found when they are first asked for: most of what a long reorganisation returns goes unasked. */
class PoolTx {
  readonly signed: SignedTx;
  readonly #genesis: Uint8Array;
  #id: string | undefined;
  #bytes: number | undefined;

  constructor(genesis: Uint8Array, signed: SignedTx) {
    this.#genesis = genesis;
    this.signed = signed;
  }

  /** In hex. */
  get id(): string {
    return (this.#id ??= toHex(txId(this.#genesis, this.signed.tx)));
  }

  get bytes(): number {
    return (this.#bytes ??= txBytes(this.signed).length);
  }

  get fee(): bigint {
    return this.signed.tx.fee;
  }
}

interface Line {
  /** What pays for its transactions and what id that has: known without a hash. */
  readonly name: string;
  /** Key in hex of the state's leaf that orders it. */
  readonly leaf: string;
  /** Of equals, who came first is ranked first. */
  readonly order: number;
  /** Nonces without a gap, from the account's. */
  txs: readonly PoolTx[];
  /** State after all of them; undefined until it is needed again. */
  block: BlockState | undefined;
}

/** Where a new transaction would stand. */
interface Placed {
  readonly line: Line;
  /** The line's transactions with it among them. */
  readonly next: readonly PoolTx[];
}

/** A line's last transaction, which is the first of its own to go. It is out of date when the line has other `txs`. */
interface End {
  readonly line: Line;
  readonly txs: readonly PoolTx[];
  readonly rank: Rate;
}

/** What one line could have in the pool after a new head. */
interface LineAfter {
  /** undefined: none of its transactions waits yet. */
  readonly line: Line | undefined;
  readonly txs: readonly PoolTx[];
  /** Whether what they are worth can differ from before. */
  readonly isChanged: boolean;
}

/** What a new head did, for the transactions that wait. */
export interface HeadChange {
  /** Of blocks that left the main chain, in order; those taken in again left out. */
  readonly reverted: readonly SignedTx[];
  /** Ids in hex that are in the main chain now. */
  readonly confirmed: Pick<ReadonlySet<string>, 'has'>;
  /** State keys in hex whose leaf differs. */
  readonly changed: Pick<ReadonlySet<string>, 'has'>;
}

export class Mempool {
  /** By the leaf's key in hex; only those with transactions. */
  readonly #lines = new Map<string, Line>();
  /** All of theirs by id in hex. */
  readonly #txs = new Map<string, PoolTx>();
  readonly #verified: VerifiedSignatures;
  readonly #limits: PoolLimits;
  /** The line that makes room next is first. */
  #ends = new Heap<End>(isPoorer);
  #base: PoolBase | undefined;
  #bytes = 0;
  #order = 0;
  #revision = 0;

  /** @param verified is shared with who executes blocks: what was verified for one is for the other */
  constructor(verified: VerifiedSignatures, limits = POOL_LIMITS) {
    this.#verified = verified;
    this.#limits = limits;
  }

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

  /** Those that one address pays, in order of nonce. */
  of(address: Uint8Array): SignedTx[] {
    return (this.#lines.get(toHex(stateKey.account(address)))?.txs ?? []).map(
      ({ signed }) => signed,
    );
  }

  /** Best rank first; a line's in order of nonce. */
  byFee(): SignedTx[] {
    const lines = [...this.#lines.values()].sort((a, b) => a.order - b.order);
    return ranked(lines.map(({ txs }) => txs)).map(({ tx }) => tx.signed);
  }

  /**
   * Adds or replaces. @returns why it is not taken; `tx.unjudged` when that cannot be told yet, for lack
   * of a head or of what it reads of the state
   */
  add(signed: SignedTx): Fault | undefined {
    const placed = this.#place(signed);
    if (isFault(placed)) return placed;

    const { line, next } = placed;
    const noRoom = this.#makeRoom(line, next);
    // The state went one transaction too far: made again when it is needed.
    if (noRoom) line.block = undefined;
    else this.#set(line, next);
    return noRoom;
  }

  /** With those of its line that come after it. */
  remove(idHex: string): void {
    const signed = this.get(idHex);
    if (!signed) return;

    const line = this.#lineFor(signed.tx);
    line.block = undefined;
    const at = line.txs.findIndex((tx) => tx.id === idHex);
    this.#set(line, line.txs.slice(0, at));
  }

  /**
   * A new head, or more that is known of its state: what it makes invalid goes, what it reverted returns. Of
   * more than there is room for, the best are chosen before anything is executed.
   */
  setBase(base: PoolBase, change?: HeadChange): void {
    this.#base = base;
    const lines = this.#linesAfter(base, change);
    const counts = change?.reverted.length
      ? countsOfBest(
          lines.map(({ txs }) => txs),
          this.#limits,
        )
      : [];
    for (const [i, after] of lines.entries()) {
      // Without a reorganisation nothing comes in, so all that was here has room.
      const txs = after.txs.slice(0, counts[i]);
      const line = after.line ?? (txs.length ? this.#newLine(txs[0]!.signed.tx) : undefined);
      if (!line) continue;

      line.block = undefined;
      if (after.isChanged) this.#execute(base, line, txs);
      else if (txs.length < line.txs.length) this.#set(line, txs);
    }
  }

  /** What every line would have in the pool, with what a reorganisation returned, in order of coming. */
  #linesAfter(base: PoolBase, change: HeadChange | undefined): LineAfter[] {
    const returned = Map.groupBy(change?.reverted ?? [], ({ tx }) => nameOf(tx));
    const lines: LineAfter[] = [];
    for (const line of [...this.#lines.values()].sort((a, b) => a.order - b.order)) {
      const back = returned.get(line.name) ?? [];
      returned.delete(line.name);
      const isChanged = !change || back.length > 0 || isAffected(base, line, change);
      const waiting = isChanged ? line.txs.filter((tx) => !change?.confirmed.has(tx.id)) : line.txs;
      lines.push({ line, txs: this.#merged(back, waiting), isChanged });
    }
    for (const back of returned.values()) {
      const txs = this.#merged(back, []);
      lines.push({ line: undefined, txs, isChanged: true });
    }
    return lines;
  }

  /**
   * A reverted transaction comes before a waiting one of the same nonce: it was good enough once. Those with the
   * lowest nonces, as many as one line may have.
   */
  #merged(back: readonly SignedTx[], waiting: readonly PoolTx[]): readonly PoolTx[] {
    if (!back.length) return waiting;
    const byNonce = new Map(waiting.map((tx) => [tx.signed.tx.nonce, tx]));
    const { genesis } = this.#verified;
    for (const signed of back) byNonce.set(signed.tx.nonce, new PoolTx(genesis, signed));
    const all = [...byNonce.values()].sort((a, b) => Number(a.signed.tx.nonce - b.signed.tx.nonce));
    return all.slice(0, SENDER_TXS_MAX);
  }

  /** Keeps those of a line's transactions that are valid on a new head. */
  #execute(base: PoolBase, line: Line, txs: readonly PoolTx[]): void {
    // What was here, or in a block that was executed here.
    for (const { signed } of txs) this.#verified.add(signed);
    const run = runSequence(this.#newBlock(base), txs);
    line.block = run.block;
    this.#set(line, run.kept);
  }

  /** What becomes of the line's transactions with this one among them; nothing is kept. */
  #place(signed: SignedTx): Placed | Fault {
    const base = this.#base;
    if (!base) return fault('tx.unjudged', { problem: 'there is no head yet' });
    const tx = new PoolTx(this.#verified.genesis, signed);
    if (this.#txs.has(tx.id)) return fault('tx.known');
    const asked = feeMin(tx.bytes, leavesMade(base, signed.tx));
    if (tx.fee < asked) return fault('tx.fee-low', { least: asked });

    const line = this.#lineFor(signed.tx);
    const at = line.txs.findIndex((old) => sameNonce(old, tx));
    const next = at < 0 ? this.#append(base, line, tx) : this.#replace(base, line, tx, at);
    return isFault(next) ? next : { line, next };
  }

  #append(base: PoolBase, line: Line, tx: PoolTx): readonly PoolTx[] | Fault {
    if (line.txs.length >= SENDER_TXS_MAX) return fault('tx.pool-full', { of: 'sender' });
    line.block ??= runSequence(this.#newBlock(base), line.txs).block;
    return execute(line.block, tx) ?? [...line.txs, tx];
  }

  #replace(base: PoolBase, line: Line, tx: PoolTx, at: number): readonly PoolTx[] | Fault {
    const old = line.txs[at]!.signed.tx.fee;
    const least = feeReplacing(old);
    const { fee } = tx.signed.tx;
    if (fee <= old || fee < least) return fault('tx.fee-low', { fee, least });

    const run = runSequence(this.#newBlock(base), line.txs.with(at, tx));
    const refused = run.refusals.get(tx.id);
    if (refused) return refused;
    const fallen = line.txs.filter((other) => run.refusals.has(other.id));
    const leastOfAll = fallen.reduce((sum, { signed }) => sum + signed.tx.fee, least);
    if (fee < leastOfAll) return fault('tx.fee-low', { fee, least: leastOfAll });
    line.block = run.block;
    return run.kept;
  }

  /**
   * Frees room for what a line would have, by dropping others' last transactions that rank lower; drops none if
   * that is not enough.
   */
  #makeRoom(own: Line, next: readonly PoolTx[]): Fault | undefined {
    const rank = rankOf(next);
    const more = {
      txs: next.length - own.txs.length,
      bytes: bytesOf(next) - bytesOf(own.txs),
    };
    const dropped: End[] = [];
    const { txs, bytes } = this.#limits;
    while (this.#txs.size + more.txs > txs || this.#bytes + more.bytes > bytes) {
      const end = this.#poorestBut(own);
      if (!end || compareRates(end.rank, rank) >= 0) {
        for (const old of dropped.reverse()) this.#set(old.line, old.txs);
        return fault('tx.pool-full');
      }
      dropped.push(end);
      end.line.block = undefined;
      this.#set(end.line, end.txs.slice(0, -1));
    }
    return undefined;
  }

  #poorestBut(own: Line): End | undefined {
    let aside: End | undefined;
    let end = this.#ends.peek();
    while (end && (end.txs !== end.line.txs || end.line === own)) {
      if (end.txs === end.line.txs) aside = end;
      this.#ends.pop();
      end = this.#ends.peek();
    }
    if (aside) this.#ends.push(aside);
    return end;
  }

  #lineFor(tx: Tx): Line {
    return this.#lines.get(toHex(leafOfLine(tx))) ?? this.#newLine(tx);
  }

  #newLine(tx: Tx): Line {
    return {
      name: nameOf(tx),
      leaf: toHex(leafOfLine(tx)),
      order: this.#order++,
      txs: [],
      block: undefined,
    };
  }

  #set(line: Line, next: readonly PoolTx[]): void {
    for (const old of line.txs) if (this.#txs.delete(old.id)) this.#bytes -= old.bytes;
    for (const tx of next) {
      this.#verified.add(tx.signed);
      this.#txs.set(tx.id, tx);
      this.#bytes += tx.bytes;
    }

    line.txs = next;
    this.#revision++;
    if (!next.length) return void this.#lines.delete(line.leaf);
    this.#lines.set(line.leaf, line);
    this.#ends.push(endOf(line));
    // Those out of date are left out now and then: never more of them than of the others.
    if (this.#ends.size > 2 * this.#lines.size + 1)
      this.#ends = new Heap(isPoorer, [...this.#lines.values()].map(endOf));
  }

  #newBlock({ tree, params, context, height }: PoolBase): BlockState {
    const remembering: StateContext = {
      ...context,
      signatureKnown: (signed) => this.#verified.has(signed),
      verifyHash: this.#verified.verifyHash,
    };
    return emptyBlock(tree, { params, context: remembering, height });
  }
}

/** Of a transaction's line. */
function nameOf(tx: Tx): string {
  const { of, id } = lineOf(tx);
  return `${of}/${toHex(id)}`;
}

/** Leaves that a transaction makes on the state that the next block begins with, as far as that is known. */
const leavesMade = ({ tree, height, context: { genesis } }: PoolBase, tx: Tx): number =>
  kindOf(tx).makes(tx, { tree, height, genesis });

/** What each of a line's transactions can bring: no more than the poorest before it lets through. */
function ranksOf(txs: readonly PoolTx[]): Rate[] {
  let rank: Rate = txs[0]!;
  return txs.map((tx) => (compareRates(tx, rank) < 0 ? (rank = tx) : rank));
}

const bytesOf = (txs: readonly PoolTx[]): number => txs.reduce((sum, tx) => sum + tx.bytes, 0);

/** What the last of them can bring. */
const rankOf = (txs: readonly PoolTx[]): Rate => ranksOf(txs).at(-1)!;

const endOf = (line: Line): End => ({ line, txs: line.txs, rank: rankOf(line.txs) });

function isPoorer(a: End, b: End): boolean {
  const by = compareRates(a.rank, b.rank);
  return by < 0 || (by === 0 && a.line.order > b.line.order);
}

/** Transactions of lines in order of coming, best first; the sort is stable, so a line's stay in order of nonce. */
const ranked = (
  lines: readonly (readonly PoolTx[])[],
): { line: number; tx: PoolTx; rank: Rate }[] =>
  lines
    .flatMap((txs, line) => ranksOf(txs).map((rank, i) => ({ line, tx: txs[i]!, rank })))
    .sort((a, b) => compareRates(b.rank, a.rank));

/** How many of each line's first transactions are among the best that there is room for. */
function countsOfBest(lines: readonly (readonly PoolTx[])[], limits: PoolLimits): number[] {
  const counts = lines.map(() => 0);
  let [txs, bytes] = [0, 0];
  for (const { line, tx } of ranked(lines)) {
    if (txs === limits.txs || bytes + tx.bytes > limits.bytes) break;
    txs++;
    bytes += tx.bytes;
    counts[line]!++;
  }
  return counts;
}

const sameNonce = (a: PoolTx, b: PoolTx): boolean => a.signed.tx.nonce === b.signed.tx.nonce;

/** Whether a new head can have changed what a line's transactions are worth. */
const isAffected = (base: PoolBase, line: Line, change: HeadChange): boolean =>
  change.changed.has(line.leaf) ||
  line.txs.some(({ signed: { tx } }) => kindOf(tx).isOpenToOthers(tx) || tx.expiry < base.height);

function execute(block: BlockState, { signed }: PoolTx): Fault | undefined {
  const refused = executeTx(block, signed);
  // The gap is in the state held here; nobody sent a witness.
  return refused?.fault === 'state.witness' ? fault('tx.unjudged', refused.context) : refused;
}

/** Executes one line's transactions alone; what is refused, and so all that build on it, is left out. */
function runSequence(
  block: BlockState,
  sequence: readonly PoolTx[],
): { block: BlockState; kept: PoolTx[]; refusals: Map<string, Fault> } {
  const kept: PoolTx[] = [];
  const refusals = new Map<string, Fault>();
  for (const tx of sequence) {
    const refused = execute(block, tx);
    if (refused) refusals.set(tx.id, refused);
    else kept.push(tx);
  }
  return { block, kept, refusals };
}
