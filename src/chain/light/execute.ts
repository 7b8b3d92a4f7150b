/** Executing blocks and keeping the states that follow; which blocks are still missing for that. */
import { blames, isFault, type Fault } from '../../core/faults.ts';
import { blockId } from '../../core/header/header.ts';
import type { Executed } from '../../core/state.ts';
import { bodyRoot } from '../../core/tx/body.ts';
import { equal, fromHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { moveBase } from './base.ts';
import { bodyOf, bodyPuts, type WantedProof } from './blocks.ts';
import { invalidate, unmoved, type Changed } from './head.ts';
import { headEntry, heightOf } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { runBlock, type HeaderAndBody } from './run-block.ts';

/** Kept blocks executed in one task: other changes of the chain wait for it. */
const EXECUTED_AT_ONCE = 16;

/** Executes kept blocks above the newest whole state. @returns how many */
export async function executeKept(memory: LightMemory): Promise<Changed<number>> {
  const { branches, kept, store } = memory;
  const from = await newestWhole(memory);
  if (from === undefined) return unmoved(0);

  for (let count = 0; count < EXECUTED_AT_ONCE; count++) {
    const height = from + 1 + count;
    if (height > branches.headHeight) return unmoved(count);
    const { id, header } = await headEntry(memory, height);
    const body = kept.hasBody(id) ? await bodyOf(store, id) : undefined;
    if (!body) return unmoved(count);
    const { result, moved } = await executeAndKeep(memory, { header, body }, undefined);
    if (isFault(result)) return { result: count, moved };
  }
  return unmoved(EXECUTED_AT_ONCE);
}

/** Executes a block and keeps what follows. A block that is itself at fault leaves the chain. */
export async function executeAndKeep(
  memory: LightMemory,
  block: HeaderAndBody,
  witness: Uint8Array | undefined,
): Promise<Changed<Fault | undefined>> {
  const executed = runBlock(memory, block, { witness });
  if (!isFault(executed)) {
    await keep(memory, block, executed);
    return unmoved(undefined);
  }
  if (!blamesBlock(executed, block)) return unmoved(executed);
  const { header } = block;
  return { result: executed, moved: await invalidate(memory, blockId(header), header.height) };
}

/** Whether the block itself is at fault. A body is, if it is the one that the header commits to. */
function blamesBlock(wrong: Fault, { header, body }: HeaderAndBody): boolean {
  const blamed = blames(wrong);
  return blamed === 'block' || (blamed === 'body' && equal(bodyRoot(body), header.bodyRoot));
}

/** Peers have all that is written here, so a full store must not stop the chain. */
async function keep(
  memory: LightMemory,
  { header, body }: HeaderAndBody,
  executed: Executed,
): Promise<void> {
  const { branches, kept, store, blocksKept } = memory;
  const { height } = header;
  const id = blockId(header);
  try {
    if (height > branches.headHeight - blocksKept) {
      await store.batch(bodyPuts(memory, { id, height }, body, executed));
      kept.addBody(id, height);
    }
    await moveBase(memory, height);
  } catch (e) {
    if (AppError.from(e).code !== 'STORE_FULL') throw e;
  }
}

/** Blocks above the newest whole state whose bodies are missing, lowest first; none when too many. */
export async function blocksToExecute(memory: LightMemory, max: number): Promise<WantedProof[]> {
  const { branches, kept, blocksKept } = memory;
  const whole = await newestWhole(memory);
  const head = branches.headHeight;
  const wanted: WantedProof[] = [];
  if (whole === undefined || head - whole > blocksKept) return wanted;

  for (let height = whole + 1; height <= head && wanted.length < max; height++) {
    const { id } = await headEntry(memory, height);
    if (!kept.hasBody(id)) wanted.push({ id, height });
  }
  return wanted;
}

/** Height of the newest block of the head's chain whose following state is here whole. */
async function newestWhole(memory: LightMemory): Promise<number | undefined> {
  for (const idHex of memory.states.whole()) {
    const height = await heightOf(memory, fromHex(idHex, 32)!);
    if (height !== undefined) return height;
  }
  return undefined;
}
