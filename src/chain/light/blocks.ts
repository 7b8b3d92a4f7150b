/**
 * Blocks that a light client keeps whole: the newest ones, and the older ones whose proofs it drew. With
 * them and the state it answers peers as a full chain does.
 */
import { decode, encode } from '../../core/codec.ts';
import { Body, Position, Proof } from '../../core/formats.ts';
import type { Executed } from '../../core/state.ts';
import { txId } from '../../core/tx/tx.ts';
import { fromHex } from '../../lib/bytes.ts';
import { headEntry } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { PATH_WINDOW } from './memory/paths.ts';
import { lightKey } from './records.ts';
import { Links, linksOf } from '../shared/links.ts';
import { closesIn } from '../shared/closes.ts';
import type { Put, Store } from '../store/store.ts';

/** Newest blocks that are kept with body and proof: a day and a half of minutes, at most some 200 MB. */
export const BLOCKS_KEPT = 2048;
/** Blocks dropped along with one new head. */
const DROPPED_AT_ONCE = 64;

const EMPTY = new Uint8Array(0);

/** A block to ask peers for. */
export interface WantedProof {
  readonly id: Uint8Array;
  readonly height: number;
}

/** Records of a body. `executed`: what executing it changed, once it was. */
export function bodyPuts(
  { genesis }: Pick<LightMemory, 'genesis'>,
  { id, height }: { readonly id: Uint8Array; readonly height: number },
  body: Body,
  executed?: Pick<Executed, 'changes' | 'parties'>,
): Put[] {
  const puts: Put[] = [
    { key: lightKey.body(id), value: encode(Body, body) },
    { key: lightKey.bodyAt(height, id), value: EMPTY },
    ...body.transactions.map(({ tx }, index) => ({
      key: lightKey.tx(txId(genesis.id, tx), id),
      value: encode(Position, { height, index }),
    })),
  ];
  for (const { channel, position } of closesIn(height, body))
    puts.push({ key: lightKey.closeOf(channel, id), value: encode(Position, position) });
  if (executed) puts.push({ key: lightKey.links(id), value: encode(Links, linksOf(executed)) });
  return puts;
}

/** Records of a body as deletions. @param data the stored body */
const bodyDeletions = (
  memory: Pick<LightMemory, 'genesis'>,
  at: { readonly id: Uint8Array; readonly height: number },
  data: Uint8Array,
): Put[] =>
  bodyPuts(memory, at, decode(Body, data), { changes: [], parties: [] }).map(({ key }) => ({
    key,
    value: undefined,
  }));

/** Deletions of bodies below the newest blocks, except the `spared` ones. */
export async function dropBodies(memory: LightMemory, spared: ReadonlySet<string>): Promise<Put[]> {
  const { store, branches, kept, blocksKept } = memory;
  const puts: Put[] = [];
  let dropped = 0;
  for (const [hex, height] of kept.bodies) {
    if (height > branches.headHeight - blocksKept || spared.has(hex)) continue;
    if (++dropped > DROPPED_AT_ONCE) break;

    const id = fromHex(hex, 32)!;
    const data = await store.get(lightKey.body(id));
    if (data) puts.push(...bodyDeletions(memory, { id, height }, data));
    kept.dropBody(hex);
  }
  return puts;
}

export async function bodyOf(store: Store, id: Uint8Array): Promise<Body | undefined> {
  const data = await store.get(lightKey.body(id));
  return data && decode(Body, data);
}

export async function proofOf(store: Store, id: Uint8Array): Promise<Proof | undefined> {
  const data = await store.get(lightKey.proof(id));
  return data && decode(Proof, data);
}

/** The newest blocks that are not kept whole, newest first. */
export async function blocksToKeep(memory: LightMemory, max: number): Promise<WantedProof[]> {
  const { branches, kept, blocksKept } = memory;
  const wanted: WantedProof[] = [];
  const isKept = async (height: number): Promise<boolean> =>
    kept.isWhole((await headEntry(memory, height)).id);
  const look = async (from: number, above: number): Promise<void> => {
    for (let height = from; height > above && wanted.length < max; height--) {
      const { id } = await headEntry(memory, height);
      if (!kept.isWhole(id)) wanted.push({ id, height });
    }
  };

  const head = branches.headHeight;
  const lowest = Math.max(0, head - blocksKept);
  const near = Math.max(lowest, head - PATH_WINDOW);
  await look(head, near);

  // Below the headers in memory each look is a read, so what was found whole once is not looked at again.
  let whole = Math.min(kept.wholeDownTo, near);
  while (whole > lowest && (await isKept(whole))) whole--;
  kept.setWholeDownTo(whole);
  await look(whole, lowest);
  return wanted;
}
