/** BLAKE3 without a key and in derive-key mode (docs/protocol.md §1.1). Each use has its context, so hashes differ. */
import { blake3 } from '@noble/hashes/blake3.js';
import { utf8 } from '../lib/bytes.ts';

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
  | 'draw'
  | 'voucher'
  | 'question'
  | 'answer'
  | 'receipt';

/** Text of a context, as BLAKE3's derive-key mode takes it. */
export const contextText = (name: Context): string => `pila 1 ${name}`;

type Hasher = ReturnType<typeof blake3.create>;

// Deriving the context key costs as much as a short hash: done once, then copied. So does making a hasher, so that
// one for each context does the work, which is synchronous.
const hashers = new Map<Context, { readonly fresh: Hasher; readonly work: Hasher }>();
function hasher(name: Context): Hasher {
  let h = hashers.get(name);
  if (!h) {
    const fresh = blake3.create({ context: utf8(contextText(name)) });
    hashers.set(name, (h = { fresh, work: fresh.clone() }));
  }
  return h.fresh._cloneInto(h.work);
}

function started(name: Context, parts: readonly Uint8Array[]): Hasher {
  const h = hasher(name);
  for (const part of parts) h.update(part);
  return h;
}

/** H_name(parts joined): 32 bytes. */
export const hash = (name: Context, ...parts: Uint8Array[]): Uint8Array =>
  started(name, parts).digest();

/**
 * A hash of an object that is never changed, found once for the very object: a transaction's are asked for at each
 * step of a block. The hash is not to be written into.
 */
export function onceFor<T extends object>(find: (of: T) => Uint8Array): (of: T) => Uint8Array {
  const found = new WeakMap<T, Uint8Array>();
  return (of) => {
    let hashed = found.get(of);
    if (!hashed) found.set(of, (hashed = find(of)));
    return hashed;
  };
}

/** The first `size` bytes of XOF_name(parts joined). */
export const xof = (name: Context, size: number, ...parts: Uint8Array[]): Uint8Array =>
  started(name, parts).xof(size);

/** BLAKE3 without key or context. */
export const plainHash = (data: Uint8Array): Uint8Array => blake3(data);
export const ZERO_HASH = new Uint8Array(32);
