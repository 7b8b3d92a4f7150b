/**
 * What this device has worked, by day and model: counted where the miner's worker reports, so that it is one count
 * whichever tabs are open, and kept over reloads and restarts. Bounded: the oldest days go first.
 */
import type { Store } from '../../chain/store/store.ts';
import { encode, list, struct, tryDecode, u32, u48, u64 } from '../../core/codec.ts';
import { subsidyAt } from '../../core/state.ts';
import { dayOf, hourOf } from '../../lib/day.ts';
import type { MinerStatus, WorkDay, Worked } from '../api.ts';

const WorkRecord = struct({ units: u32, blocks: u32, ms: u48, earned: u64 });
/** Days and models together: of one model more than ten years. */
const KEPT_MAX = 4000;
/** Longer without a word is a pause, ms. */
const PAUSE_MS = 120_000;
/** ms between two writes while units come, of which a fast device makes hundreds a second. */
const WRITE_MS = 2000;
const PREFIX = 'worked/';
/** Of all models together; two days of them. */
const HOURS = 'worked-hours/';
const HOURS_MAX = 48;
/** Blocks found that are kept with what was completed by then: deeper ones are not reorganised. */
const FOUND_MAX = 64;
const FOUND = 'work/found';
const FoundRecord = list(struct({ height: u32, units: u48 }), FOUND_MAX);

type Row = Omit<WorkDay, 'day' | 'model'>;
const NOTHING: Row = { units: 0, blocks: 0, ms: 0, earned: 0n };

/** A worker that was started anew counts from 0. */
const unitsSince = (now: number, had = 0): number => (now >= had ? now - had : now);

export interface WorkBook {
  note(status: MinerStatus): void;
  /** A block was found here. @param height its own */
  noteFound(height: number): void;
  all(): Worked;
}

export async function openWorkBook(store: Store, nowMs: () => number): Promise<WorkBook> {
  const read = async (from: string, to: string, most: number): Promise<Map<string, Row>> => {
    const records = await store.range(from, to, most);
    return new Map(
      records.flatMap(({ key, value }): [string, Row][] => {
        const row = tryDecode(WorkRecord, value);
        return row ? [[key, row]] : [];
      }),
    );
  };
  const rows = await read(PREFIX, 'worked0', KEPT_MAX);
  const hours = await read(HOURS, 'worked-hours0', HOURS_MAX);
  const kept = await store.get(FOUND);
  let found = (kept && tryDecode(FoundRecord, kept)) ?? [];
  let last: { readonly status: MinerStatus; readonly atMs: number } | undefined;
  /** Of the unit in work: it counts with that unit, however long it takes, or when the work stops. */
  let unitMs = 0;
  let model = '';
  const dirty = new Set<string>();
  let writing = false;
  /** Asked for while one was on its way. */
  let isWanted = false;
  let wroteMs = -Infinity;

  async function write(): Promise<void> {
    isWanted = true;
    if (writing) return;
    writing = true;
    wroteMs = nowMs();
    try {
      while (isWanted && dirty.size) {
        isWanted = false;
        const keys = [...dirty];
        dirty.clear();
        await store.batch(
          keys.map((key) => {
            if (key === FOUND) return { key, value: encode(FoundRecord, found) };
            const row = rows.get(key) ?? hours.get(key);
            return { key, value: row && encode(WorkRecord, row) };
          }),
        );
      }
    } catch {
      // A count that is not kept is no reason to stop the work; the next word tries again.
    } finally {
      writing = false;
    }
  }

  function count(within: Map<string, Row>, key: string, change: Partial<Row>, most: number): void {
    const row = within.get(key) ?? NOTHING;
    within.set(key, {
      units: row.units + (change.units ?? 0),
      blocks: row.blocks + (change.blocks ?? 0),
      ms: row.ms + (change.ms ?? 0),
      earned: row.earned + (change.earned ?? 0n),
    });
    dirty.add(key);
    const [oldest] = within.keys();
    if (within.size > most && oldest) {
      within.delete(oldest);
      dirty.add(oldest);
    }
  }

  function add(change: Partial<Row>): void {
    count(rows, `${PREFIX}${dayOf(nowMs())}/${model}`, change, KEPT_MAX);
    const { units } = change;
    if (units) count(hours, `${HOURS}${hourOf(nowMs())}`, { units }, HOURS_MAX);
    // Either way: a clock may be set back.
    if (Math.abs(nowMs() - wroteMs) >= WRITE_MS) void write();
  }

  return {
    note(status) {
      const atMs = nowMs();
      const before = last;
      last = { status, atMs };
      model = status.model || model;
      const units = unitsSince(status.units, before?.status.units);
      const gap = before ? atMs - before.atMs : 0;
      const ran = before?.status.state === 'running' && gap > 0 && gap <= PAUSE_MS;
      if (ran) unitMs += gap;
      if (units > 0 || (unitMs > 0 && status.state !== 'running')) {
        add({ units, ms: unitMs });
        unitMs = 0;
      }
      if (status.state !== 'running') void write();
    },
    noteFound(height) {
      add({ blocks: 1, earned: subsidyAt(height) });
      const units = [...rows.values()].reduce((sum, row) => sum + row.units, 0);
      // Found again at a height, the one before was replaced.
      const others = found.filter((one) => one.height !== height);
      found = [...others, { height, units }].slice(-FOUND_MAX);
      dirty.add(FOUND);
      void write();
    },
    all() {
      const days = [...rows].map(([key, row]): WorkDay => {
        const [, day = '', ...name] = key.split('/');
        return { day, model: name.join('/'), ...row };
      });
      const byHour = [...hours].map(([key, { units }]) => ({
        hour: key.slice(HOURS.length),
        units,
      }));
      return { days, hours: byHour, found };
    },
  };
}
