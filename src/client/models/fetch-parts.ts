/**
 * Fetches the missing parts of one package. Each part is checked before it is stored; after a wrong part its
 * source is not asked again. Stored parts are kept when the fetch ends early.
 */
import { isPart, OUTLINE, partSize, type PartPlan } from '../../miner/package/parts.ts';
import type { PartStore } from '../../miner/package/part-store.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SourceBusy, type PartSource } from './part-sources.ts';

/** Parts on their way at once. */
export const PARTS_AT_ONCE = 4;
/** Times that all sources are asked for one part, with a wait between. */
const ROUNDS = 3;
const ROUND_WAIT_MS = 1000;
/** ms that one part waits in all for sources that give no more for now: their hour, and another one's turn. */
const BUSY_WAIT_MS_MAX = 2 * 60 * 60_000;
/** ms after which all others are asked meanwhile: peers come and go. */
const LOOK_MS = 15_000;

export interface PartFetch {
  readonly model: Uint8Array;
  readonly plan: PartPlan;
  readonly store: PartStore;
  readonly wanted: readonly number[];
  /** The sources, the best first; called again for every part, because peers come and go. */
  readonly sources: () => readonly PartSource[];
  readonly signal: AbortSignal;
  /** ms before all sources are asked again; each further wait is longer. */
  readonly roundWaitMs?: number;
  /** Bytes received of parts that are not complete: more, or fewer when a part is given up. */
  readonly onBytes: (change: number) => void;
  readonly onKept: (part: number, size: number) => void;
  /** Nobody gives a part, but a source says that it will: asked again after so many ms. */
  readonly onWait: (ms: number) => void;
  /** A source sent a wrong part; nothing more is taken from it in this fetch. */
  readonly onRefused: (source: string, part: number) => void;
}

/** @throws AppError MODEL_STOPPED, MODEL_MISSING, MODEL_CORRUPT, MODEL_STORE_FULL, MODEL_STORE_FAILED */
export async function fetchParts(job: PartFetch): Promise<void> {
  const { plan, store, model, wanted } = job;
  const own = new AbortController();
  const signal = AbortSignal.any([job.signal, own.signal]);
  const refused = new Set<string>();
  const state = { refused, signal, preferred: '' };
  let outline: Uint8Array | undefined;
  /** What is being written: a fetch that is over writes no more, since its model may be freed then. */
  const writes = new Set<Promise<void>>();
  const keep = async (part: number, bytes: Uint8Array): Promise<void> => {
    await store.write(toHex(model), part, bytes);
    if (part === OUTLINE) outline = bytes;
    job.onKept(part, bytes.length);
  };
  const take = async (part: number): Promise<void> => {
    const bytes = await fetchOne({ ...job, signal }, state, part, outline);
    signal.throwIfAborted();
    const write = keep(part, bytes);
    writes.add(write);
    await write.finally(() => writes.delete(write));
  };
  try {
    if (wanted.includes(OUTLINE)) await take(OUTLINE);
    else if (plan.outlineBytes) outline = await store.read(toHex(model), OUTLINE);
    const queue = wanted.filter((part) => part !== OUTLINE);
    const work = async (): Promise<void> => {
      for (let part = queue.shift(); part !== undefined; part = queue.shift()) await take(part);
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
  } catch (e) {
    own.abort();
    await Promise.allSettled(writes);
    if (job.signal.aborted) throw new AppError('MODEL_STOPPED', 'the download was stopped');
    throw e;
  }
}

interface FetchState {
  readonly refused: Set<string>;
  readonly signal: AbortSignal;
  /** The source that gave the last part: asked first. */
  preferred: string;
}

async function fetchOne(
  job: PartFetch,
  state: FetchState,
  part: number,
  outline: Uint8Array | undefined,
): Promise<Uint8Array> {
  const { model, plan, signal, roundWaitMs = ROUND_WAIT_MS } = job;
  const size = partSize(plan, part)!;
  let cause: unknown;
  /** By name, ms until a source is asked again that gives no more for now. */
  const busy = new Map<string, number>();
  for (let round = 0, waitedMs = 0; round < ROUNDS;) {
    for (const source of inOrder(job.sources(), state)) {
      if (busy.has(source.name)) continue;
      signal.throwIfAborted();
      let came = 0;
      const count = (more: number): void => job.onBytes(((came += more), more));
      try {
        const bytes = await source.fetch({ model, part, size }, signal, count);
        if (await isPart(plan, part, bytes, outline)) {
          state.preferred = source.name;
          return bytes;
        }
        state.refused.add(source.name);
        source.blame(part);
        job.onRefused(source.name, part);
      } catch (e) {
        signal.throwIfAborted();
        cause = e;
        if (e instanceof SourceBusy) busy.set(source.name, e.waitMs);
      } finally {
        job.onBytes(-came);
      }
    }
    const busyMs = Math.min(...busy.values());
    if (waitedMs + busyMs <= BUSY_WAIT_MS_MAX) {
      job.onWait(busyMs);
      const lookMs = Math.min(busyMs, LOOK_MS);
      await pause(lookMs, signal);
      waitedMs += lookMs;
      for (const [name, ms] of busy) {
        if (ms > lookMs) busy.set(name, ms - lookMs);
        else busy.delete(name);
      }
    } else if (++round < ROUNDS) await pause(roundWaitMs * round, signal);
  }
  throw state.refused.size
    ? new AppError('MODEL_CORRUPT', `part ${part}: nobody gives what is the model’s`, { cause })
    : new AppError('MODEL_MISSING', `part ${part}: nobody can be reached that has it`, { cause });
}

function inOrder(sources: readonly PartSource[], { refused, preferred }: FetchState): PartSource[] {
  const fit = sources.filter(({ name }) => !refused.has(name));
  return fit.sort((a, b) => Number(b.name === preferred) - Number(a.name === preferred));
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)), {
      once: true,
    });
  });
