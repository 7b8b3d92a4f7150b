/**
 * The one batch that an import writes: the new block's records, and, when it becomes the head, all
 * that leaving and joining blocks change. All or nothing, so a kill loses this block at most.
 */
import { encode } from '../../core/codec.ts';
import { Body, Header, Position, Proof } from '../../core/formats.ts';
import { ChainPointRecord, type ChainPoint } from '../../core/header/header.ts';
import { txId } from '../../core/tx/tx.ts';
import type { Connected } from './connect.ts';
import type { FullState } from './state.ts';
import { closesIn } from '../shared/closes.ts';
import { Links, linksOf } from '../shared/links.ts';
import { recordKey, Undo, WINDOW } from './records.ts';
import { MainEntry, POINT_EVERY } from '../store/records.ts';
import type { Put } from '../store/store.ts';

/** Keys in order of the batch; a later put of the same key replaces the earlier one. */
export class Batch {
  readonly #puts = new Map<string, Uint8Array | undefined>();

  set(key: string, value: Uint8Array | undefined): void {
    this.#puts.set(key, value);
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

const EMPTY = new Uint8Array(0);

export function putBlock(batch: Batch, point: ChainPoint, body: Body, proof: Proof | undefined) {
  const { id, header } = point;
  batch.set(recordKey.header(id), encode(Header, header));
  batch.set(recordKey.body(id), encode(Body, body));
  if (proof) batch.set(recordKey.proof(id), encode(Proof, proof));
  batch.set(recordKey.recent(header.height, id), EMPTY);
}

export function deleteBlock(batch: Batch, { id, header }: ChainPoint): void {
  for (const key of [recordKey.header, recordKey.body, recordKey.proof])
    batch.set(key(id), undefined);
  batch.set(recordKey.recent(header.height, id), undefined);
}

/** A block that leaves the main chain; call for the highest first. */
export function disconnect(batch: Batch, point: ChainPoint, body: Body, undo: Undo): void {
  const { id, header } = point;
  for (const { key, before } of undo.changes) batch.set(recordKey.leaf(key), before ?? undefined);
  for (const { tx } of body) batch.set(recordKey.tx(txId(tx)), undefined);
  for (const { channel } of closesIn(header.height, body))
    batch.set(recordKey.closeOf(channel), undefined);
  batch.set(recordKey.undo(id), undefined);
  batch.set(recordKey.links(id), undefined);
  batch.set(recordKey.main(header.height), undefined);
  batch.set(recordKey.point(header.height), undefined);
}

/** A block that joins it; call for the lowest first. */
export function connect(batch: Batch, { point, body, executed, totals }: Connected): void {
  const { id, header } = point;
  const { height } = header;
  for (const { key, after } of executed.changes) batch.set(recordKey.leaf(key), after);
  for (const [index, { tx }] of body.entries())
    batch.set(recordKey.tx(txId(tx)), encode(Position, { height, index }));
  for (const { channel, position } of closesIn(height, body))
    batch.set(recordKey.closeOf(channel), encode(Position, position));
  const changes = executed.changes.map(({ key, before }) => ({ key, before: before ?? null }));
  const touched = [...executed.touched];
  batch.set(recordKey.undo(id), encode(Undo, { changes, touched, totals }));
  const links = linksOf(executed);
  if (links.length) batch.set(recordKey.links(id), encode(Links, links));
  batch.set(recordKey.main(height), encode(MainEntry, { id, header }));
  if (height % POINT_EVERY === 0)
    batch.set(recordKey.point(height), encode(ChainPointRecord, point));
  batch.set(recordKey.head, id);
}

/** Drops what lies below the window of a new head: branches whole, undo records of the main chain. */
export function prune(batch: Batch, state: FullState, headHeight: number): ChainPoint[] {
  const old = state.index.below(headHeight - WINDOW - 1);
  for (const point of old)
    if (state.index.isMain(point)) {
      batch.set(recordKey.recent(point.header.height, point.id), undefined);
      batch.set(recordKey.undo(point.id), undefined);
    } else deleteBlock(batch, point);
  return old;
}
