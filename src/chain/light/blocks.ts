/**
 * Blocks that a light client keeps whole: the newest ones, and the older ones whose proofs it drew. With
 * them and the state it answers peers as a full chain does.
 */
import { decode, encode, u32 } from '../../core/codec.ts';
import { Body, Position, Proof } from '../../core/formats.ts';
import type { Executed } from '../../core/state.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { entryAt } from './headers.ts';
import type { LightState } from './open.ts';
import { PATH_WINDOW } from './memory/paths.ts';
import { lightKey } from './records.ts';
import { Links, linksOf } from '../shared/links.ts';
import { indexEntries } from '../shared/request-index.ts';
import type { Put } from '../store/store.ts';

/** Newest blocks that are kept with body and proof: a day and a half of minutes, at most some 200 MB. */
export const BLOCKS_KEPT = 2048;
/** Blocks dropped along with one new head. */
const DROPPED_AT_ONCE = 64;

const EMPTY = new Uint8Array(0);

/** Records of a body. `executed`: what executing it changed, once it was. */
export function bodyPuts(
  id: Uint8Array,
  height: number,
  body: Body,
  executed?: Pick<Executed, 'changes'>,
): Put[] {
  const puts: Put[] = [
    { key: lightKey.body(id), value: encode(Body, body) },
    { key: lightKey.bodyAt(height, id), value: EMPTY },
    ...body.map(({ tx }, index) => ({
      key: lightKey.tx(txId(tx), id),
      value: encode(Position, { height, index }),
    })),
  ];
  for (const { request, kind, position, value } of indexEntries(
    height,
    body,
    executed?.changes ?? [],
  ))
    puts.push({ key: lightKey.ofRequest(request, kind, position, id), value });
  if (executed)
    puts.push({ key: lightKey.links(id), value: encode(Links, linksOf(body, executed.changes)) });
  return puts;
}

/** Deletes what is kept of blocks below the newest, but of the `spared` ones. */
export async function dropBodies(s: LightState, spared: ReadonlySet<string>): Promise<Put[]> {
  const puts: Put[] = [];
  let dropped = 0;
  for (const [hex, height] of s.bodies) {
    if (height > s.head.header.height - s.blocksKept || spared.has(hex)) continue;
    if (++dropped > DROPPED_AT_ONCE) break;
    const id = fromHex(hex, 32)!;
    const data = await s.store.get(lightKey.body(id));
    const kept = data ? bodyPuts(id, height, decode(Body, data), { changes: [] }) : [];
    puts.push(...kept.map(({ key }) => ({ key, value: undefined })));
    s.bodies.delete(hex);
  }
  return puts;
}

export async function bodyOf(s: LightState, id: Uint8Array): Promise<Body | undefined> {
  const data = await s.store.get(lightKey.body(id));
  return data && decode(Body, data);
}

export async function proofOf(s: LightState, id: Uint8Array): Promise<Proof | undefined> {
  const data = await s.store.get(lightKey.proof(id));
  return data && decode(Proof, data);
}

/** Height of a block of the head's chain; undefined for any other. */
export async function heightOf(s: LightState, id: Uint8Array): Promise<number | undefined> {
  const data = await s.store.get(lightKey.height(id));
  const height = data && decode(u32, data);
  if (height === undefined || height > s.head.header.height) return undefined;
  return equal((await entryAt(s.store, s.headPath, height)).id, id) ? height : undefined;
}

/** Heights of the newest blocks that are not kept whole, newest first. */
export async function missingHeights(s: LightState, max: number): Promise<number[]> {
  const heights: number[] = [];
  const head = s.head.header.height;
  const lowest = Math.max(0, head - s.blocksKept);
  const isKept = async (height: number): Promise<boolean> => {
    const hex = toHex((await entryAt(s.store, s.headPath, height)).id);
    return s.bodies.has(hex) && s.checked.has(hex);
  };
  const near = Math.max(lowest, head - PATH_WINDOW);
  for (let at = head; at > near && heights.length < max; at--)
    if (!(await isKept(at))) heights.push(at);
  // Below those in memory each look is a read: what was found there once is not looked for again.
  s.keptDownTo = Math.min(s.keptDownTo, near);
  while (s.keptDownTo > lowest && (await isKept(s.keptDownTo))) s.keptDownTo--;
  for (let at = s.keptDownTo; at > lowest && heights.length < max; at--)
    if (!(await isKept(at))) heights.push(at);
  return heights;
}
