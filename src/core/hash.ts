/** BLAKE3 without a key and in derive-key mode (docs/protocol.md §1.1). Each use has its context, so hashes differ. */
import { blake3 } from '@noble/hashes/blake3.js';
import { concat, utf8 } from '../lib/bytes.ts';
import { CHUNK_BYTES, derivedKey, derivedShort } from './pow/blake3.ts';

export type Context =
  | 'address'
  | 'tx'
  | 'body-leaf'
  | 'body-node'
  | 'body'
  | 'shares'
  | 'header'
  | 'block'
  | 'seed'
  | 'idle'
  | 'state'
  | 'carry'
  | 'known'
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
  | 'genesis'
  | 'draw'
  | 'voucher'
  | 'question'
  | 'answer'
  | 'receipt'
  | 'ask'
  | 'offer'
  | 'sample'
  | 'sample-seed';

/**
 * Text of a context, as BLAKE3's derive-key mode takes it. An address has the first version's for good: people keep
 * addresses in vaults, files, contacts and on paper, and coins sent to what no key has any more would be lost.
 */
export const contextText = (name: Context): string => `pila ${name === 'address' ? 1 : 2} ${name}`;

type Hasher = ReturnType<typeof blake3.create>;

/** Of each context: deriving its key costs as much as a short hash. */
const keys = new Map<Context, Int32Array>();
const hashers = new Map<Context, Hasher>();

/** The key of a context: a constant of the protocol. */
export function contextKey(name: Context): Int32Array {
  let key = keys.get(name);
  if (!key) keys.set(name, (key = derivedKey(contextText(name))));
  return key;
}

function started(name: Context, parts: readonly Uint8Array[]): Hasher {
  let fresh = hashers.get(name);
  if (!fresh) hashers.set(name, (fresh = blake3.create({ context: utf8(contextText(name)) })));
  const h = fresh.clone();
  for (const part of parts) h.update(part);
  return h;
}

/** H_name(parts joined): 32 bytes. By our own compression where that is enough: the library takes three times as long. */
export function hash(name: Context, ...parts: Uint8Array[]): Uint8Array {
  const data = parts.length === 1 ? parts[0]! : concat(...parts);
  return data.length <= CHUNK_BYTES
    ? derivedShort(contextKey(name), data)
    : started(name, parts).digest();
}

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
