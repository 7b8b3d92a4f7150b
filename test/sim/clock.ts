/**
 * Virtual time. During a simulation the product's timers, clocks and random numbers are replaced by those of the
 * simulation, so that a seed gives the same run every time; nothing in it may wait for the real world.
 */
import { Heap } from '../../src/lib/heap.ts';
import type { Random } from './random.ts';

interface Task {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => unknown;
}

export class Clock {
  nowMs: number;
  /** Tasks run so far. */
  steps = 0;
  readonly #tasks = new Heap<Task>(before);
  readonly #cancelled = new Set<number>();
  #order = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** @returns a handle for `cancel` */
  after(ms: number, run: () => unknown): number {
    const order = ++this.#order;
    this.#tasks.push({ atMs: this.nowMs + Math.max(0, Number(ms) || 0), order, run });
    return order;
  }

  every(ms: number, run: () => unknown): { readonly stop: () => void } {
    let stopped = false;
    let handle = 0;
    const again = () => {
      handle = this.after(Math.max(1, ms), () => {
        run();
        if (!stopped) again();
      });
    };
    again();
    return { stop: () => ((stopped = true), this.cancel(handle)) };
  }

  cancel(handle: number): void {
    this.#cancelled.add(handle);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs the tasks that are due up to then, of which none starts what a promise has to end. */
  runAtOnce(untilMs: number): void {
    for (let task; (task = this.#next(untilMs));) task.run();
    this.nowMs = untilMs;
  }

  /** Runs the tasks that are due up to then; whatever a task starts at once ends before the next task begins. */
  async runUntil(untilMs: number, isOver: () => boolean): Promise<void> {
    for (let task; !isOver() && (task = this.#next(untilMs));) {
      task.run();
      await settled();
    }
    this.nowMs = untilMs;
  }

  /** Takes the next task that is due up to then; now it is its time. */
  #next(untilMs: number): Task | undefined {
    for (let task; (task = this.#tasks.peek()) && task.atMs <= untilMs;) {
      this.#tasks.pop();
      if (this.#cancelled.delete(task.order)) continue;
      this.nowMs = Math.max(this.nowMs, task.atMs);
      this.steps++;
      return task;
    }
    return undefined;
  }
}

const before = (a: Task, b: Task): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

const { setImmediate } = globalThis;
/** Resolves when every promise that can settle has settled: only the clock makes a simulation wait. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Replaces the real clock and random numbers; the returned function restores them. */
export function installTime(clock: Clock, random: Random): () => void {
  const g = globalThis as Record<string, any>;
  const real = Object.fromEntries(TIMERS.map((name) => [name, g[name]]));
  const { now } = Date;
  const { random: realRandom } = Math;
  const realPerformanceNow = performance.now;
  const repeating = new Map<number, { readonly stop: () => void }>();
  let lastRepeat = 0;
  const clear = (handle: number) => {
    repeating.get(handle)?.stop();
    if (!repeating.delete(handle)) clock.cancel(handle);
  };
  g.setTimeout = (run: (...a: unknown[]) => unknown, ms = 0, ...args: unknown[]) =>
    clock.after(ms, () => run(...args));
  g.setInterval = (run: (...a: unknown[]) => unknown, ms = 0, ...args: unknown[]) => {
    // Below zero, apart from the handles of `after`.
    repeating.set(
      --lastRepeat,
      clock.every(ms, () => run(...args)),
    );
    return lastRepeat;
  };
  g.clearTimeout = g.clearInterval = clear;
  Date.now = () => Math.floor(clock.nowMs);
  performance.now = () => clock.nowMs;
  Math.random = random.next;
  crypto.getRandomValues = <T extends ArrayBufferView | null>(into: T): T => {
    const bytes = new Uint8Array(into!.buffer, into!.byteOffset, into!.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.int(0, 255);
    return into;
  };
  return () => {
    Object.assign(g, real);
    Date.now = now;
    Math.random = realRandom;
    performance.now = realPerformanceNow;
    // Deleting the own property restores the real function, which is on the prototype.
    delete (crypto as unknown as Record<string, unknown>).getRandomValues;
  };
}

const TIMERS = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'];
