/** Collects what is known of requests: leaves of the state, transactions in blocks, transactions that wait. */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { decode } from '../../core/codec.ts';
import {
  OpenRequest,
  SignedTx,
  type Body,
  type Header,
  type Position,
  type TxOf,
} from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { FIND_MAX } from '../../core/messages.ts';
import { kindOf } from '../../core/tx/kinds.ts';
import { txId } from '../../core/tx/tx.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { PendingTx } from '../api.ts';
import { ASKED_MAX, type Asked } from './asked.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import type { Transport } from '../../net/transport.ts';
import type { LightPool } from '../wallet/light-pool.ts';
import type { Outbox } from '../wallet/outbox.ts';
import { byPlace, closedAt, isComplete, type Evidence, type Found } from './receipt.ts';

/** Requests remembered: all that were sent from here, and as many others that were looked up. */
const REMEMBERED_MAX = 2 * ASKED_MAX;
/** Results of one request that are taken from the pool. */
const POOLED_MAX = 16;
/** Blocks after a request's end; then its receipt is final and not computed again. */
const FINAL_BLOCKS = 100;

export interface EvidenceDeps {
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly asked: Asked;
  readonly pool: LightPool;
  readonly reader: ChainReader;
  readonly transport: Pick<Transport, 'peers'>;
}

type Fate = NonNullable<Evidence['sent']>['fate'];
const FATES: Record<PendingTx['state'], Fate> = {
  pending: 'waits',
  confirmed: 'unknown',
  expired: 'dropped',
  refused: 'dropped',
  replaced: 'dropped',
};

/** The evidence that changes with time, read once for any number of requests; keys are ids in hex. */
export interface Snapshot {
  readonly height: number;
  /** Leaves of the requests, null for no leaf; undefined when no peer proves them. */
  readonly leaves: ReadonlyMap<string, OpenRequest | null> | undefined;
  readonly fates: ReadonlyMap<string, Fate>;
  readonly waiting: ReadonlyMap<string, TxOf<'request'>>;
  readonly results: ReadonlyMap<string, readonly TxOf<'result'>[]>;
}

interface Memory {
  found: readonly Found[];
  closing: OpenRequest | undefined;
  final: Evidence | undefined;
}

export interface Evidences {
  snapshot(ids: readonly Uint8Array[]): Promise<Snapshot>;
  /** undefined when there is no such request. @throws AppError NO_PEERS when that is not certain */
  of(id: Uint8Array, snapshot?: Snapshot): Promise<Evidence | undefined>;
  /** The request is closed for so long that its evidence will not change. */
  isFinal(id: Uint8Array): boolean;
  /** Remembers what a new block says of the requests known here. */
  noteBlock(head: ChainPoint, body: Body): Promise<void>;
  /** Keeps the requests among the transactions that were sent from here. */
  noteSent(): Promise<void>;
}

const requestOf = ({ tx }: SignedTx): Uint8Array | undefined => kindOf(tx).requestOf(tx);

const hasPlace = (found: readonly Found[], { blockId: block, position }: Found): boolean =>
  found.some((f) => equal(f.blockId, block) && f.position.index === position.index);

export function createEvidence(deps: EvidenceDeps): Evidences {
  const { chain, outbox, asked, pool, reader } = deps;
  const memories = new BoundedMap<string, Memory>(REMEMBERED_MAX);

  const memoryOf = (id: Uint8Array): Memory => {
    const known = memories.get(toHex(id));
    if (known) return known;
    const { found = [] } = asked.get(id) ?? {};
    const memory: Memory = { found, closing: undefined, final: undefined };
    memories.set(toHex(id), memory);
    return memory;
  };

  /** Replaces `before` by `found`; transactions that were noted meanwhile stay. */
  async function remember(id: Uint8Array, before: readonly Found[], found: readonly Found[]) {
    if (before === found) return;
    const memory = memoryOf(id);
    const meanwhile = memory.found.filter((f) => !before.includes(f) && !hasPlace(found, f));
    memory.found = [...found, ...meanwhile].slice(0, FIND_MAX);
    memory.final = undefined;
    await asked.keep(id, memory.found);
  }

  /** The requests' leaves after a block, null where there is none; undefined when no peer proves them. */
  async function readLeaves(header: Header, ids: readonly Uint8Array[]) {
    const opened = await reader.state.read(header, ids.map(stateKey.request));
    return opened?.values.map((value) => (value ? decode(OpenRequest, value) : null));
  }

  /** The transactions whose block is still on the chain; the same array when all are. */
  async function onChain(found: readonly Found[]): Promise<readonly Found[]> {
    const there: Found[] = [];
    for (const one of found) {
      const header = await chain.headers.at(one.position.height);
      if (header && equal(blockId(header), one.blockId)) there.push(one);
    }
    return there.length === found.length ? found : there;
  }

  /** Looks each position up in its block; stops at the first wrong one, because the rest come from the same peer. */
  async function lookUp(id: Uint8Array, places: readonly Position[], known: readonly Found[]) {
    const found = [...known];
    for (const position of [...places].sort(byPlace)) {
      const { height, index } = position;
      if (found.some((f) => f.position.height === height && f.position.index === index)) continue;
      const header = await chain.headers.at(height);
      const body = header && (await reader.bodies.of(header));
      const tx = body?.[index];
      const about = tx && requestOf(tx);
      if (!header || !tx || !about || !equal(about, id)) break;
      found.push({ position, tx, blockId: blockId(header) });
    }
    return found.length > known.length ? found.slice(0, FIND_MAX) : known;
  }

  /** Searches here, then asks peers until nothing is missing. @returns the most complete evidence found */
  async function search(evidence: Evidence): Promise<Evidence> {
    const { id } = evidence;
    let most = evidence;
    const take = async (places: readonly Position[]): Promise<Evidence | undefined> => {
      most = { ...most, found: await lookUp(id, places, most.found) };
      return isComplete(most) ? most : undefined;
    };
    const own = await take(await chain.blocks.find(id));
    if (!own) await reader.ask({ type: 'find', id }, ({ positions }) => take(positions));
    return most;
  }

  /** Adds the leaf before the block that closed the request, where a peer can still prove it. */
  async function close(evidence: Evidence): Promise<Evidence> {
    const closed = closedAt(evidence);
    const header = closed === undefined ? undefined : await chain.headers.at(closed - 1);
    const leaves = header && (await readLeaves(header, [evidence.id]));
    const closing = leaves?.[0];
    if (!closing) return evidence;
    const next = { ...evidence, closing };
    // The leaf shows a result that no peer reported, so the request was closed later than assumed.
    return (closedAt(next) ?? 0) > closed! ? await close(next) : next;
  }

  async function snapshot(ids: readonly Uint8Array[]): Promise<Snapshot> {
    const header = await reader.state.newest();
    const known = header && (await readLeaves(header, ids));
    const leaves = known && new Map(known.map((leaf, i) => [toHex(ids[i]!), leaf] as const));
    const fates = new Map(outbox.all().map(({ id, state }) => [toHex(id), FATES[state]] as const));
    const height = header?.height ?? 0;
    const waiting = new Map<string, TxOf<'request'>>();
    const results = new Map<string, TxOf<'result'>[]>();
    for (const { tx } of pool.best(height)) {
      if (tx.type === 'request') waiting.set(toHex(txId(tx)), tx);
      if (tx.type !== 'result') continue;
      const of = toHex(tx.request);
      const more = [...(results.get(of) ?? []), tx];
      if (more.length <= POOLED_MAX) results.set(of, more);
    }
    return { height, leaves, fates, waiting, results };
  }

  function sentOf(id: Uint8Array, { fates, waiting }: Snapshot): Evidence['sent'] {
    const hex = toHex(id);
    const own = asked.get(id);
    if (own) return { tx: own.tx, fate: fates.get(hex) ?? 'unknown' };
    const tx = waiting.get(hex);
    return tx && { tx, fate: 'waits' };
  }

  return {
    snapshot,
    isFinal: (id) => memories.get(toHex(id))?.final !== undefined,
    // eslint-disable-next-line complexity -- payment channels take its place
    async of(id, given) {
      const memory = memoryOf(id);
      const found = await onChain(memory.found);
      if (memory.final && found === memory.found) return memory.final;
      const now = given ?? (await snapshot([id]));
      const hex = toHex(id);
      const pooled = now.results.get(hex) ?? [];
      const leaf = now.leaves?.get(hex);
      const sent = sentOf(id, now);
      const closing = found === memory.found ? memory.closing : undefined;
      let evidence: Evidence = { id, sent, found, pooled, leaf, closing, height: now.height };
      if (!isComplete(evidence)) evidence = await search(evidence);
      if (!evidence.closing) evidence = await close(evidence);
      if (!isComplete(evidence)) evidence = await search(evidence);
      await remember(id, memory.found, evidence.found);
      memory.closing = evidence.closing;
      const closed = closedAt(evidence);
      if (closed !== undefined && closed + FINAL_BLOCKS <= now.height) memory.final = evidence;
      if (evidence.found.length || evidence.sent || evidence.leaf) return evidence;
      // A request that the state proves absent may be in a block that this client does not have.
      const isAlone = !deps.transport.peers().length;
      if (isAlone || evidence.leaf === undefined)
        throw new AppError('NO_PEERS', 'no peer knows of it');
      return undefined;
    },
    async noteBlock({ header, id: block }, body) {
      for (const [index, tx] of body.entries()) {
        const id = requestOf(tx);
        const known = id && (memories.has(toHex(id)) || asked.get(id));
        if (!id || !known) continue;
        const { found } = memoryOf(id);
        const place = { position: { height: header.height, index }, tx, blockId: block };
        if (!hasPlace(found, place)) await remember(id, found, [...found, place]);
      }
    },
    async noteSent() {
      for (const { bytes } of outbox.all()) await asked.add(decode(SignedTx, bytes));
    },
  };
}
