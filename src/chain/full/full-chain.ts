/**
 * The chain of a node that has every block: imports, reorganises, answers, keeps a mempool, makes
 * templates. Parts: open, import (connect, commit), queries, mempool.
 */
import { verifyLight } from '../../core/pow/proof.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import type { Account, Header, Position, SignedTx } from '../../core/formats.ts';
import { DEEP_FORK, isFarBehind } from '../../core/header/fork-choice.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import type { Block, BlockParts, HistoryEntry } from '../../core/messages.ts';
import type { Models } from '../../core/manifest.ts';
import type { NetworkRules, Params } from '../../core/params.ts';
import { treeRoot, type Tree } from '../../core/tree/tree.ts';
import type { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { createListeners } from '../../lib/listeners.ts';
import {
  createTemplates,
  type Candidates,
  type Template,
  type TemplateBase,
  type TemplateOptions,
} from '../shared/template.ts';
import { VerifiedSignatures } from '../shared/verified-signatures.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';
import { contextOf, type CheckProof, type Checks } from './connect.ts';
import {
  DEEP_CHANGE_MS,
  executeBranch,
  forget,
  JOINING_BYTES_MAX,
  noteDeepChange,
  readDeepChange,
  type BranchSource,
  type Unfollowed,
} from './follow.ts';
import { openFull } from './open.ts';
import { SignatureCheck, type VerifyElsewhere } from './signature-check.ts';
import { headTree } from './state.ts';
import { Importer, type HeadEvent, type Imported } from './import.ts';
import { Mempool, poolBase, type HeadChange } from '../shared/mempool.ts';
import * as queries from './queries.ts';
import type { Store } from '../store/store.ts';

/** Blocks and transactions that wait for the one before them. */
export const QUEUE_MAX = 256;

export interface FullChainOptions {
  readonly store: Store;
  readonly params: NetworkRules;
  /** Manifests of the admitted models by id in hex. */
  readonly models: Models;
  /** ms since 1970. */
  readonly now: () => number;
  /** Time of a chain that begins in an empty store, ms since 1970; now when absent. */
  readonly genesisTimeMs?: () => Promise<number>;
  /** Newest blocks kept whole on disk, at least 2,049; all when absent. */
  readonly keepBlocks?: number;
  /** The full check; without it the chain follows light-checked work. */
  readonly checkProof?: CheckProof;
  /** The light check, core's by default. */
  readonly verifyProof?: VerifyProof;
  /** Bytes of the largest change to a branch that is executed apart; for tests. */
  readonly joiningBytesMax?: number;
  /** Other cores for the signatures of blocks. */
  readonly verifySignatures?: VerifyElsewhere;
}

export type FullChainEvent = HeadEvent | { readonly type: 'tx'; readonly tx: SignedTx };

export interface FullChain {
  readonly params: Params;
  /** Says that the chain of an older program was wiped when this one began. */
  readonly replaced: AppError | undefined;
  /** Height of the block whose state was believed, as was all below; undefined: all was executed here. */
  readonly believed: number | undefined;
  /** @throws AppError CHAIN_BUSY, and the store's */
  importBlock(block: Block): Promise<Imported | Fault>;
  /**
   * Changes to a source's branch, if it would be the head, by executing it apart from the chain. For branches that fork
   * below the window, and whose blocks have no room beside the chain. @throws the source's, AppError CHAIN_BUSY, the store's
   */
  follow(source: BranchSource): Promise<Imported | Unfollowed | Fault>;
  /** Into the mempool. @throws AppError CHAIN_BUSY */
  addTx(tx: SignedTx): Promise<Fault | undefined>;
  head(): ChainPoint;
  /** Whether a block's branch is too far behind the head to be passed on. */
  isFarBehind(header: Header): boolean;
  locator(): Promise<Uint8Array[]>;
  headersAfter(locator: readonly Uint8Array[], max: number): Promise<Header[]>;
  block(id: Uint8Array): Promise<Block | undefined>;
  parts(ids: readonly Uint8Array[]): Promise<BlockParts[]>;
  /** Against the state after that block; undefined when its state is not kept. */
  proveState(id: Uint8Array, keys: readonly Uint8Array[]): Promise<Uint8Array | undefined>;
  /** Leaves from a key on, against the state after that block. */
  statePart(id: Uint8Array, from: Uint8Array): Promise<Uint8Array | undefined>;
  witness(id: Uint8Array): Promise<Uint8Array | undefined>;
  /** The state after the head. */
  headState(): Tree;
  account(address: Uint8Array): Account | undefined;
  history(address: Uint8Array, from: Position, max: number): Promise<HistoryEntry[]>;
  header(height: number): Promise<Header | undefined>;
  position(txId: Uint8Array): Promise<Position | undefined>;
  /** Where the transaction of that id stands and, of a channel, its close. */
  find(id: Uint8Array): Promise<Position[]>;
  /** Ends of the branches in the newest WINDOW blocks: the head first, then the most work; at most TIPS_MAX. */
  tips(): queries.ChainTip[];
  stats(): queries.ChainStats;
  /** Header to work on and its body, from the mempool's best. */
  template(options: TemplateOptions): Template;
  readonly mempool: Pick<Mempool, 'byFee' | 'get' | 'of' | 'size' | 'bytes' | 'revision'>;
  subscribe(listener: (event: FullChainEvent) => void): () => void;
  /** Waits for the import in work, then closes the store. */
  close(): Promise<void>;
}

/** @throws AppError STORE_FOREIGN, STORE_CORRUPT, and the store's */
export async function createFullChain(options: FullChainOptions): Promise<FullChain> {
  const { store, models, now } = options;
  const { genesisTimeMs = async () => now() } = options;
  const { keepBlocks } = options;
  const deps = { store, params: options.params, models, keepBlocks };
  const { state, replaced } = await openFull(deps, genesisTimeMs);
  const { params } = state;
  const signatures = new SignatureCheck(
    new VerifiedSignatures(state.params.genesis.id),
    options.verifySignatures,
  );
  const pool = new Mempool(signatures.known);
  const { emit, subscribe } = createListeners<FullChainEvent>();
  const queue = new SerialQueue(QUEUE_MAX, 'CHAIN_BUSY');
  const enqueue = <T>(task: () => Promise<T>): Promise<T> => queue.run(task);
  const checks: Checks = { checkProof: options.checkProof, signatures };
  const context = contextOf(state, checks, (signed) => signatures.known.has(signed));
  const rebase = (change?: HeadChange): void =>
    pool.setBase(poolBase(params, context, headTree(state), state.head.header), change);
  rebase();

  const makeTemplate = createTemplates(params);
  const headBase = (): TemplateBase => {
    const tree = headTree(state);
    return { parent: state.head, tree, stateRoot: treeRoot(tree), context };
  };
  const waiting: Candidates = {
    get revision() {
      return pool.revision;
    },
    list: () => pool.byFee(),
  };

  let isFollowing = false;
  async function follow(source: BranchSource): Promise<Imported | Unfollowed | Fault> {
    if (isFollowing) return 'busy';
    isFollowing = true;
    try {
      const { checkAlone, isInvalid, noteInvalid } = importer;
      // Of a clock that was years ahead, too, two hours are enough.
      const isRested = Math.abs(now() - (await readDeepChange(store))) >= DEEP_CHANGE_MS;
      const alone = enqueue<void>;
      const { joiningBytesMax = JOINING_BYTES_MAX } = options;
      const rules = { checkAlone, isInvalid, noteInvalid, isRested, joiningBytesMax };
      const executed = await executeBranch({ state, checks, now, alone, ...rules }, source);
      if (typeof executed === 'string' || isFault(executed)) return executed;
      const isDeep = state.head.header.height - executed.fork.header.height > DEEP_FORK;
      // Written with the change itself: who is killed right after it has still changed.
      if (isDeep) noteDeepChange(executed.batch, now());
      const done = await enqueue(() => importer.takeOver(executed));
      if (typeof done === 'string') await enqueue(() => forget(state, executed.written));
      return done;
    } finally {
      isFollowing = false;
    }
  }

  const importer = new Importer(state, {
    now,
    verifyProof: options.verifyProof ?? verifyLight,
    checks,
    onHead(event: HeadEvent, change: HeadChange) {
      rebase(change);
      emit(event);
    },
  });

  return {
    params,
    replaced,
    believed: state.believed?.height,
    async importBlock(block) {
      if (queue.size < QUEUE_MAX) importer.foresee(block);
      return await enqueue(() => importer.importBlock(block));
    },
    follow,
    addTx: (tx) =>
      enqueue(async () => {
        const refused = pool.add(tx);
        if (!refused) emit({ type: 'tx', tx });
        return refused;
      }),
    head: () => state.head,
    isFarBehind: ({ totalWork }) => isFarBehind(totalWork, state.measure.floor),
    locator: () => queries.locator(state),
    headersAfter: (ids, max) => queries.headersAfter(state, ids, max),
    block: (id) => queries.blockOf(state, id),
    parts: (ids) => queries.partsOf(state, ids),
    proveState: (id, keys) => queries.proveState(state, id, keys),
    statePart: (id, from) => queries.statePart(state, id, from),
    witness: (id) => queries.witnessOf(state, id),
    headState: () => headTree(state),
    account: (address) => queries.accountOf(state, address),
    history: (address, from, max) => queries.historyOf(state, address, from, max),
    header: (height) => queries.headerAt(state, height),
    position: (id) => queries.positionOf(state, id),
    find: (id) => queries.findOf(state, id),
    tips: () => queries.tipsOf(state),
    stats: () => queries.statsOf(state),
    template: (wanted) => makeTemplate(headBase(), waiting, wanted),
    mempool: pool,
    subscribe,
    async close() {
      await queue.idle();
      await store.close();
    },
  };
}
