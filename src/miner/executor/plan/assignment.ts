/**
 * Which points are computed together: each stored point gets a program among a segment's steps. A point that nobody
 * stores is computed wherever a reader needs it, so what is much work is stored first.
 */
import {
  isPoint,
  keep,
  type Item,
  type Leftover,
  type Point,
  type Pool,
  type Product,
} from './items.ts';
import { rootOf, type Store } from './stores.ts';
import { sizeOf } from './views.ts';

/** Points that one stored point may need, and points of a program: what a compiler's registers and time bear. */
const FUSED_MAX = 160;
const PROGRAM_MAX = 240;
/** A point that needs this many others is stored where two programs would compute it. */
const SHARED_MIN = 4;
/** Times that points are assigned anew since some were stored; what is shared after that is computed twice. */
const ROUNDS_MAX = 8;

const gcd = (a: number, b: number): number => (b ? gcd(b, a % b) : a);

/** Rows that belong together: one program. */
export interface Draft {
  readonly rows: number;
  readonly roots: Point[];
  readonly at: number;
  readonly points: Set<Point>;
}
/** A place in the order of a segment's steps. */
export type Slot = Draft | Product | Pool | Leftover;
export const isDraft = (slot: Slot): slot is Draft => 'roots' in slot;

/** Steps in order: each stored point has its program. May store points that were not. */
export function slotsOf(items: readonly Item[]): Slot[] {
  storeMore(items);
  let slots = assign(items);
  for (let i = 0; i < ROUNDS_MAX && storeShared(slots); i++) slots = assign(items);
  return slots;
}

/** Points that a point needs and that nobody stores. */
function fusedOf(point: Point): readonly Point[] {
  return point.args.flatMap(({ point: p }) => (p && !p.store ? [p] : []));
}

/** Stores what would make a program too large, and reductions of what is stored, which are cheap to keep. */
function storeMore(items: readonly Item[]): void {
  const needs = new Map<Point, Set<Point>>();
  for (const point of items.filter(isPoint)) {
    const all = new Set([point]);
    for (const p of fusedOf(point)) for (const q of needs.get(p)!) all.add(q);
    if (all.size > FUSED_MAX) {
      for (const p of fusedOf(point)) keep(p);
      needs.set(point, new Set([point]));
    } else needs.set(point, all);
    const isReduction = point.op === 'sum' || point.op === 'most';
    if (isReduction && point.args[0]!.point?.store) keep(point);
  }
}

interface Reach {
  /** Rows that every point can be cut into. */
  readonly rows: number;
  /** The last step that it reads from. */
  readonly after: number;
  readonly points: ReadonlySet<Point>;
  /** Stored points that it reads back. */
  readonly stored: ReadonlySet<Point>;
}

/** What computing a point in a program needs, where the roots in `own` need not be read back. */
function reach(point: Point, own: ReadonlySet<Point>, madeAt: ReadonlyMap<Store, number>): Reach {
  const points = new Set<Point>();
  const stored = new Set<Point>();
  let rows = sizeOf(point.dims) / point.columns;
  let after = -1;
  const read = (store: Store): void => {
    after = Math.max(after, madeAt.get(rootOf(store)) ?? -1);
    if (store.list) read(store.list.store);
  };
  const visit = (p: Point): void => {
    if (points.has(p)) return;
    points.add(p);
    rows = gcd(rows, sizeOf(p.dims));
    for (const arg of p.args)
      if (!arg.point) read(arg.store);
      else if (!arg.point.store || own.has(arg.point)) visit(arg.point);
      else {
        stored.add(arg.point);
        read(arg.point.store);
      }
  };
  visit(point);
  return { rows, after, points, stored };
}

/** Steps in order: each stored point joins the latest program that has its rows and all that it reads before it. */
function assign(items: readonly Item[]): Slot[] {
  const slots: Slot[] = [];
  const madeAt = new Map<Store, number>();
  const draftOf = new Map<Point, Draft>();
  const note = (store: Store, at: number): void => {
    const root = rootOf(store);
    madeAt.set(root, Math.max(at, madeAt.get(root) ?? -1));
  };
  for (const item of items) {
    if (!isPoint(item)) {
      slots.push(item);
      note(item.out, slots.length - 1);
      continue;
    }
    if (!item.store) continue;
    const alone = reach(item, new Set(), madeAt);
    // In a program that has none of what it reads back it needs as much as in one of its own.
    const before = new Set([...alone.stored].map((p) => draftOf.get(p)));
    let draft: Draft | undefined;
    let needs = alone;
    for (let at = slots.length - 1; at >= 0 && !draft; at--) {
      const slot = slots[at]!;
      if (!isDraft(slot)) continue;
      needs = before.has(slot) ? reach(item, new Set(slot.roots), madeAt) : alone;
      if (needs.rows !== slot.rows || needs.after >= at) continue;
      if (new Set([...slot.points, ...needs.points]).size <= PROGRAM_MAX) draft = slot;
    }
    if (!draft) {
      needs = alone;
      draft = { rows: needs.rows, roots: [], at: slots.length, points: new Set() };
      slots.push(draft);
    }
    draft.roots.push(item);
    draftOf.set(item, draft);
    for (const p of needs.points) draft.points.add(p);
    note(item.store, draft.at);
  }
  return slots;
}

/** Stores points that several programs would compute, unless that is little work. @returns whether there were any */
function storeShared(slots: readonly Slot[]): boolean {
  const users = new Map<Point, number>();
  for (const slot of slots)
    if (isDraft(slot)) for (const p of slot.points) users.set(p, (users.get(p) ?? 0) + 1);
  let found = false;
  for (const [point, count] of users) {
    if (count < 2 || point.store) continue;
    const { points } = reach(point, new Set(), new Map());
    if (points.size < SHARED_MIN) continue;
    keep(point);
    found = true;
  }
  return found;
}
