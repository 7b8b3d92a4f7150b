/** Executing blocks of a light client and keeping what follows from them; which ones it still lacks. */
import { bodyRoot } from '../../core/tx/body.ts';
import { blames, isFault, type Fault } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import type { Executed } from '../../core/state.ts';
import { isWhole } from '../../core/tree/tree.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { moveBase } from './base.ts';
import { bodyOf, bodyPuts, heightOf, missingHeights } from './blocks.ts';
import { entryAt } from './headers.ts';
import { invalidate, type LightHeadEvent } from './import.ts';
import type { LightState } from './open.ts';
import { executeOn } from './state.ts';

/** Kept blocks executed at once: others wait for the chain meanwhile. */
const EXECUTED_AT_ONCE = 16;

type OnHead = (event: LightHeadEvent) => void;

/** A block that fails by its own doing leaves the chain. */
export async function executeAndKeep(
  s: LightState,
  block: { header: Header; body: Body },
  witness: Uint8Array | undefined,
  onHead: OnHead,
): Promise<Executed | Fault> {
  const done = executeOn(s, block, witness);
  const id = blockId(block.header);
  if (!isFault(done)) {
    await keep(s, id, block, done);
    return done;
  }
  if (blamesBlock(done, block)) await invalidate(s, id, block.header.height, onHead);
  return done;
}

/** Whether execution failed by the block's own doing; its body, if it is the one, cannot be another. */
function blamesBlock(wrong: Fault, { header, body }: { header: Header; body: Body }): boolean {
  const blamed = blames(wrong);
  return blamed === 'block' || (blamed === 'body' && equal(bodyRoot(body), header.bodyRoot));
}

/** What it writes can be fetched again: a store that is full must not stop the chain. */
async function keep(
  s: LightState,
  id: Uint8Array,
  { header, body }: { header: Header; body: Body },
  executed: Executed,
): Promise<void> {
  try {
    if (header.height > s.head.header.height - s.blocksKept) {
      await s.store.batch(bodyPuts(id, header.height, body, executed));
      s.bodies.set(toHex(id), header.height);
    }
    await moveBase(s, header.height);
  } catch (e) {
    if (AppError.from(e).code !== 'STORE_FULL') throw e;
  }
}

/** Height of the newest block of the head's chain whose following state is here whole. */
async function newestWhole(s: LightState): Promise<number | undefined> {
  const whole = [...s.states].filter(([, { tree }]) => isWhole(tree));
  for (const [hex, { height }] of whole.sort(([, a], [, b]) => b.height - a.height))
    if (height <= s.head.header.height && (await heightOf(s, fromHex(hex, 32)!)) === height)
      return height;
  return undefined;
}

/** @returns how many were executed */
export async function executeKept(s: LightState, onHead: OnHead): Promise<number> {
  const from = await newestWhole(s);
  if (from === undefined) return 0;
  for (let count = 0; count < EXECUTED_AT_ONCE; count++) {
    const height = from + 1 + count;
    if (height > s.head.header.height) return count;
    const { id, header } = await entryAt(s.store, s.headPath, height);
    const body = s.bodies.has(toHex(id)) ? await bodyOf(s, id) : undefined;
    if (!body || isFault(await executeAndKeep(s, { header, body }, undefined, onHead)))
      return count;
  }
  return EXECUTED_AT_ONCE;
}

interface Wanted {
  readonly id: Uint8Array;
  readonly height: number;
}

/** Blocks above the newest whole state whose bodies are missing, lowest first; none when too many. */
export async function blocksToExecute(s: LightState, max: number): Promise<Wanted[]> {
  const whole = await newestWhole(s);
  const head = s.head.header.height;
  const wanted: Wanted[] = [];
  if (whole === undefined || head - whole > s.blocksKept) return wanted;
  for (let height = whole + 1; height <= head && wanted.length < max; height++) {
    const { id } = await entryAt(s.store, s.headPath, height);
    if (!s.bodies.has(toHex(id))) wanted.push({ id, height });
  }
  return wanted;
}

/** The newest blocks that are not kept whole, newest first. */
export async function blocksToKeep(s: LightState, max: number): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const height of await missingHeights(s, max))
    wanted.push({ height, id: (await entryAt(s.store, s.headPath, height)).id });
  return wanted;
}
