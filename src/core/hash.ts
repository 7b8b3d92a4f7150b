/** BLAKE3 without a key and in derive-key mode (docs/protocol.md §1.1). Each use has its context, so hashes differ. */
import { blake3 } from '@noble/hashes/blake3.js';
import { concat, utf8 } from '../lib/bytes.ts';

export type Context =
  | 'address'
  | 'tx'
  | 'body-leaf'
  | 'body-node'
  | 'body'
  | 'header'
  | 'block'
  | 'seed'
  | 'idle'
  | 'layer'
  | 'noise'
  | 'digest'
  | 'tree-key'
  | 'tree-leaf'
  | 'tree-branch'
  | 'mmr-leaf'
  | 'mmr-node'
  | 'mmr-root'
  | 'model'
  | 'claim'
  | 'execution'
  | 'genesis'
  | 'draw';

/** Text of a context, as BLAKE3's derive-key mode takes it. */
export const contextText = (name: Context): string => `pila 1 ${name}`;

// Deriving the context key costs as much as a short hash: done once, then cloned.
const hashers = new Map<Context, ReturnType<typeof blake3.create>>();
function hasher(name: Context): ReturnType<typeof blake3.create> {
  let h = hashers.get(name);
  if (!h) hashers.set(name, (h = blake3.create({ context: utf8(contextText(name)) })));
  return h.clone();
}

/** H_name(parts joined): 32 bytes. */
export const hash = (name: Context, ...parts: Uint8Array[]): Uint8Array =>
  hasher(name)
    .update(concat(...parts))
    .digest();

/** The first `size` bytes of XOF_name(parts joined). */
export const xof = (name: Context, size: number, ...parts: Uint8Array[]): Uint8Array =>
  hasher(name)
    .update(concat(...parts))
    .xof(size);

/** BLAKE3 without key or context. */
export const plainHash = (data: Uint8Array): Uint8Array => blake3(data);
export const ZERO_HASH = new Uint8Array(32);
