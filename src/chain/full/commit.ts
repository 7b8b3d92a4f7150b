/**
 * The one batch that an import writes: the new block's records, and, when it becomes the head, all
 * that leaving and joining blocks change. All or nothing, so a kill loses this block at most.
 */
import { decode, encode, u32 } from '../../core/codec.ts';
import { Body, Header, Position, Proof } from '../../core/formats.ts';
import { ChainPointRecord, type ChainPoint } from '../../core/header/header.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Connected } from './connect.ts';
import type { HeaderIndex } from './header-index.ts';
import type { FullState } from './state.ts';
import { closesIn } from '../shared/closes.ts';
import { Links, linksOf } from '../shared/links.ts';
import { recordKey, Undo, UNDO_KEPT, WINDOW } from './records.ts';
import { MainEntry, POINT_EVERY } from '../store/records.ts';
import type { Put } from '../store/store.ts';

/** Keys in order of the batch; a later put of the same key replaces the earlier one. */
export class Batch {
  readonly #puts = new Map<string, Uint8Array | undefined>();
  #bytes = 0;

  set(key: string, value: Uint8Array | undefined): void {
    const before = this.#puts.get(key);
    if (before || this.#puts.has(key)) this.#bytes -= key.length + (before?.length ?? 0);
    this.#bytes += key.length + (value?.length ?? 0);
    this.#puts.set(key, value);
  }

  /** Of its keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it says anything of that key. */
  has(key: string): boolean {
    return this.#puts.has(key);
  }

  /** What it writes there; undefined where it deletes, or says nothing. */
  get(key: string): Uint8Array | undefined {
    return this.#puts.get(key);
  }

  puts(): Put[] {
    return [...this.#puts].map(([key, value]) => ({ key, value }));
  }
}

/** @returns bytes of body and proof */
export function putBlock(batch: Batch, point: ChainPoint, body: Body, proof: Proof): number {
  const { id, header } = point;
  const parts = [encode(Body, body), encode(Proof, proof)] as const;
  const bytes = parts[0].length + parts[1].length;
  batch.set(recordKey.header(id), encode(Header, header));
  batch.set(recordKey.body(id), parts[0]);
  batch.set(recordKey.proof(id), parts[1]);
  batch.set(recordKey.recent(header.height, id), encode(u32, bytes));
  return bytes;
}

export function deleteBlock(batch: Batch, { id, header }: MainEntry): void {
  for (const key of [recordKey.header, recordKey.body, recordKey.proof])
    batch.set(key(id), undefined);
  batch.set(recordKey.recent(header.height, id), undefined);
}

/** A block that leaves the main chain; call for the highest first. */
export function disconnect(
  batch: Batch,
  genesis: Uint8Array,
  { point, body, undo }: { readonly point: MainEntry; readonly body: Body; readonly undo: Undo },
): void {
  const { id, header } = point;
  for (const { key, before } of undo.changes) batch.set(recordKey.leaf(key), before ?? undefined);
  for (const { tx } of body.transactions) batch.set(recordKey.tx(txId(genesis, tx)), undefined);
  for (const { channel } of closesIn(header.height, body))
    batch.set(recordKey.closeOf(channel), undefined);
  batch.set(recordKey.undo(id), undefined);
  batch.set(recordKey.links(id), undefined);
  batch.set(recordKey.main(header.height), undefined);
  batch.set(recordKey.point(header.height), undefined);
}

/**
 * A block that joins it; call for the lowest first.
 * @param own gets what lies under the block's own id, and so says nothing of the chain
 */
export function connect(
  batch: Batch,
  genesis: Uint8Array,
  connected: Connected,
  own: Batch = batch,
): void {
  const { point, body, executed, totals } = connected;
  const { id, header } = point;
  const { height } = header;
  for (const { key, after } of executed.changes) batch.set(recordKey.leaf(key), after);
  for (const [index, { tx }] of body.transactions.entries())
    batch.set(recordKey.tx(txId(genesis, tx)), encode(Position, { height, index }));
  for (const { channel, position } of closesIn(height, body))
    batch.set(recordKey.closeOf(channel), encode(Position, position));
  const changes = executed.changes.map(({ key, before }) => ({ key, before: before ?? null }));
  const touched = [...executed.touched];
  own.set(recordKey.undo(id), encode(Undo, { changes, touched, totals }));
  const links = linksOf(executed);
  if (links.length) own.set(recordKey.links(id), encode(Links, links));
  batch.set(recordKey.main(height), encode(MainEntry, { id, header }));
  if (height % POINT_EVERY === 0)
    batch.set(recordKey.point(height), encode(ChainPointRecord, point));
  batch.set(recordKey.head, id);
}

/** Whether a block is of the main chain once the batch is written. */
export function willBeMain(batch: Batch, index: HeaderIndex, point: ChainPoint): boolean {
  const key = recordKey.main(point.header.height);
  if (!batch.has(key)) return index.isMain(point);
  const entry = batch.get(key);
  return entry !== undefined && equal(decode(MainEntry, entry).id, point.id);
}

/** A block that leaves the window: what is not of the main chain goes whole. */
export function leaveWindow(batch: Batch, index: HeaderIndex, point: ChainPoint): void {
  const { id, header } = point;
  if (willBeMain(batch, index, point)) batch.set(recordKey.recent(header.height, id), undefined);
  else deleteBlock(batch, point);
}

/** Drops what lies below the window of a new head, branches whole, and undo records far below it. */
export async function prune(
  batch: Batch,
  state: FullState,
  headHeight: number,
): Promise<ChainPoint[]> {
  const { index } = state;
  const old = index.below(headHeight - WINDOW - 1);
  const gone = new Set(old.map(({ id }) => toHex(id)));
  // A branch whose lower end has gone starts nowhere: what stands on it goes too.
  for (let height = headHeight - WINDOW, some = gone.size > 0; some; height++) {
    const cut = index
      .at(height)
      .filter((p) => gone.has(toHex(p.header.prevHash)) && !willBeMain(batch, index, p));
    for (const { id } of cut) gone.add(toHex(id));
    old.push(...cut);
    some = cut.length > 0;
  }
  for (const point of old) leaveWindow(batch, index, point);

  const lowest = Math.max(0, state.head.header.height - UNDO_KEPT);
  for (let height = lowest; height < headHeight - UNDO_KEPT; height++) {
    const entry = await state.store.get(recordKey.main(height));
    if (entry) batch.set(recordKey.undo(decode(MainEntry, entry).id), undefined);
  }
  return old;
}
