/**
 * Headers into a light client. They cost nothing to make, so they alone move no head: they join a branch,
 * which then waits for its proofs (head.ts).
 */
import { decode, u32 } from '../../core/codec.ts';
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import { HEADERS_MAX } from '../../core/messages.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { joinLongPaths } from './compact.ts';
import { changeBranches, selectHead, unmoved, type Changed } from './head.ts';
import { entryAt, headerPuts, pathUpTo, pointAt, verifyHeaders } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { extendedPath, outgrowsAudit, segmentAt, type Path } from './memory/paths.ts';
import { lightKey } from './records.ts';
import { rootFault } from './state.ts';

export interface HeadersImported {
  /** Headers that were new. */
  readonly added: number;
  /** Blocks that left the head's chain. */
  readonly reorganised: number;
}

/** Contiguous headers, lowest first. @throws AppError STORE_CORRUPT, and the store's */
export async function importHeaders(
  memory: LightMemory,
  headers: readonly Header[],
  nowMs: number,
): Promise<Changed<HeadersImported | Fault>> {
  await joinLongPaths(memory);
  const place = await placeFor(memory, headers);
  if (isFault(place)) return unmoved(place);

  const fresh = headers.slice(place?.known ?? headers.length);
  if (!place || !fresh.length) return unmoved({ added: 0, reorganised: 0 });

  const parent = await pointAt(memory, place.path, fresh[0]!.height - 1);
  const points = verifyHeaders(memory.params, parent, fresh, nowMs);
  if (isFault(points)) return unmoved(points);
  const wrong = foundFalse(memory, points) ?? wrongRoot(memory, place.path, parent, points);
  if (wrong) return unmoved(wrong);
  await attach(memory, place.path, parent, points);
  const moved = await selectHead(memory);
  return { result: { added: fresh.length, reorganised: moved?.reverted ?? 0 }, moved };
}

/**
 * What `importHeaders` would say of one header that is told with a block, but for its state root, whose turn comes
 * after proof and body; nothing is kept.
 */
export async function judgeHeader(
  memory: LightMemory,
  header: Header,
  nowMs: number,
): Promise<Fault | undefined> {
  const place = await placeFor(memory, [header]);
  if (isFault(place)) return place;
  if (!place || place.known) return undefined;
  const parent = await pointAt(memory, place.path, header.height - 1);
  const points = verifyHeaders(memory.params, parent, [header], nowMs);
  return isFault(points) ? points : undefined;
}

interface Place {
  readonly path: Path;
  /** How many of the headers the path has already. */
  readonly known: number;
}

/** Where headers join: the path that holds the most of them. @returns undefined when there are none */
async function placeFor(
  memory: LightMemory,
  headers: readonly Header[],
): Promise<Place | Fault | undefined> {
  if (headers.length > HEADERS_MAX) return fault('wire.too-large', { headers: headers.length });
  const first = headers[0];
  if (!first) return undefined;
  const { height } = first;
  const { branches } = memory;
  // Its parent left the chain, so that nothing else could be judged.
  if (branches.isInvalid(first.prevHash)) branches.markInvalid(blockId(first));
  const bad = foundFalse(memory, [{ id: blockId(first) }]);
  if (bad) return bad;
  if (height < 1) return fault('header.height', { height });
  const place = await findPlace(memory, headers);
  if (place) return place;
  // The parent may be here, at another height than the header says.
  const known = await memory.store.get(lightKey.height(first.prevHash));
  const isMisplaced = known !== undefined && decode(u32, known) !== height - 1;
  return fault(isMisplaced ? 'header.height' : 'header.parent-unknown', { height });
}

/** undefined: no path holds the headers' parent. */
async function findPlace(
  { branches, store }: LightMemory,
  headers: readonly Header[],
): Promise<Place | undefined> {
  const first = headers[0]!;
  let best: Place | undefined;
  for (const path of branches.paths) {
    const holds = async (height: number, id: Uint8Array) =>
      height <= path.tip.header.height && equal((await entryAt(store, path, height)).id, id);
    if (!(await holds(first.height - 1, first.prevHash))) continue;

    let known = 0;
    for (const header of headers) {
      if (!(await holds(first.height + known, blockId(header)))) break;
      known++;
    }
    if (!best || known > best.known) best = { path, known };
  }
  return best;
}

function foundFalse(
  { branches }: LightMemory,
  points: readonly Pick<ChainPoint, 'id'>[],
): Fault | undefined {
  const bad = points.find(({ id }) => branches.isInvalid(id));
  return bad && fault('header.known-invalid', { id: toHex(bad.id) });
}

/** State roots are judged where a block would be executed: a branch that stays beside the head's is none the worse. */
function wrongRoot(
  memory: LightMemory,
  path: Path,
  parent: ChainPoint,
  points: readonly ChainPoint[],
): Fault | undefined {
  const { branches } = memory;
  for (const { header, id } of points) {
    if (!branches.wouldLead(path, parent.header.height, header)) continue;
    const wrong = rootFault(memory, header);
    if (!wrong) continue;
    branches.markInvalid(id);
    return wrong;
  }
  return undefined;
}

/** Adds points to a path: at its end in its own segment, else as a branch in a new one. */
async function attach(
  memory: LightMemory,
  path: Path,
  parent: ChainPoint,
  points: ChainPoint[],
): Promise<void> {
  const { branches } = memory;
  const next = parent.header.height + 1;
  const own = path.segments.at(-1)!.number;
  const isUsed = branches.paths.some(
    ({ tip, segments }) => tip.header.height >= next && segmentAt(segments, next) === own,
  );
  // Who proves the branch as it was drawn of must not be kept from it by headers that others put on it, for nothing.
  const outgrows = outgrowsAudit(path, points.at(-1)!.header.height);
  const isAppended = parent === path.tip && !isUsed && !outgrows;
  const number = isAppended ? own : branches.nextSegment;
  const below = isAppended ? path : await pathUpTo(memory, path, parent.header.height);
  const segments = isAppended ? path.segments : [...below.segments, { number, from: next }];

  const audit = outgrows ? undefined : path.audit;
  const grown = extendedPath({ ...path, recent: below.recent, audit }, segments, points);
  const puts = headerPuts(number, points);
  if (!isAppended) {
    const change = { paths: [...branches.paths, grown], nextSegment: number + 1 };
    return changeBranches(memory, change, puts);
  }
  // At the end of the list: the branch that grew last is the last to be left out.
  const paths = [...branches.paths.filter((p) => p !== path), grown];
  const headPath = branches.headPath === path ? grown : branches.headPath;
  await changeBranches(memory, { paths, headPath }, puts);
}
