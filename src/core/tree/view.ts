/**
 * What a block's execution reads and writes: an overlay over the parent's tree. It remembers every
 * key that was touched, so that a proof of those keys lets anybody execute the block again, and
 * what each held before, so that the block can be undone.
 */
import { compare, equal, toHex } from '../../lib/bytes.ts';
import { encode, tryDecode, type Codec } from '../codec.ts';
import { MissingNode, treeGet, treeUpdate, type Tree } from './tree.ts';

export interface StateChange {
  readonly key: Uint8Array;
  /** Value before the block; undefined where there was no leaf. */
  readonly before: Uint8Array | undefined;
  /** Value after the block; undefined where there is no leaf. */
  readonly after: Uint8Array | undefined;
}

type Entry = { key: Uint8Array; before: Uint8Array | undefined; after: Uint8Array | undefined };

export class StateView {
  readonly #tree: Tree;
  readonly #entries = new Map<string, Entry>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** @throws MissingNode when a partial tree lacks the key, or the leaf is not of that format */
  get<T>(codec: Codec<T>, key: Uint8Array): T | undefined {
    const { after } = this.#entry(key);
    if (after === undefined) return undefined;
    const value = tryDecode(codec, after);
    if (value === undefined) throw new MissingNode('a leaf is not of the format of its kind');
    return value;
  }

  /** The value undefined deletes the leaf. @throws MissingNode */
  set<T>(codec: Codec<T>, key: Uint8Array, value: T | undefined): void {
    this.#entry(key).after = value === undefined ? undefined : encode(codec, value);
  }

  /** Keys read or written, whether they have a leaf or not, in order. */
  touched(): Uint8Array[] {
    return [...this.#entries.values()].map((e) => e.key).sort(compare);
  }

  /** The changes against the parent's tree, in order of keys. */
  changes(): StateChange[] {
    return [...this.#entries.values()]
      .filter((e) => !isSame(e.before, e.after))
      .sort((a, b) => compare(a.key, b.key));
  }

  /** The parent's tree with all changes made. @throws MissingNode */
  tree(): Tree {
    return treeUpdate(
      this.#tree,
      this.changes().map((c) => ({ key: c.key, value: c.after })),
    );
  }

  #entry(key: Uint8Array): Entry {
    const hex = toHex(key);
    let entry = this.#entries.get(hex);
    if (!entry) {
      const value = treeGet(this.#tree, key);
      this.#entries.set(hex, (entry = { key, before: value, after: value }));
    }
    return entry;
  }
}

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && equal(a, b));
