/** Bodies and proofs of stored blocks, as a peer asks for them. */
import { decode } from '../../core/codec.ts';
import { Body, Proof } from '../../core/formats.ts';
import { BLOCKS_MAX, type BlockParts } from '../../core/messages.ts';
import type { Store } from '../store/store.ts';

/** Bytes of one answer with bodies and proofs (docs/protocol.md §9). */
const PARTS_BYTES_MAX = 1024 * 1024;
/** Bytes that an answer spends on one block, its body and proof not counted, at most. */
const PART_OVERHEAD_BYTES = 64;

interface PartKeys {
  body(id: Uint8Array): string;
  proof(id: Uint8Array): string;
}

/** Of those blocks whose body is stored, up to a megabyte. */
export async function partsOf(
  store: Store,
  keys: PartKeys,
  ids: readonly Uint8Array[],
): Promise<BlockParts[]> {
  const parts: BlockParts[] = [];
  let size = 0;
  for (const id of ids.slice(0, BLOCKS_MAX)) {
    const bodyBytes = await store.get(keys.body(id));
    const proofBytes = await store.get(keys.proof(id));
    if (!bodyBytes) continue;
    size += PART_OVERHEAD_BYTES + bodyBytes.length + (proofBytes?.length ?? 0);
    if (parts.length && size > PARTS_BYTES_MAX) break;
    const proof = proofBytes ? decode(Proof, proofBytes) : null;
    parts.push({ id, body: decode(Body, bodyBytes), proof });
  }
  return parts;
}
