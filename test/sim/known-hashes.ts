/** BLAKE3 as the core uses it; inputs that were hashed before in this process are looked up. */
import { blake3 as real } from '@noble/hashes/blake3.js';
import { concat } from '../../src/lib/bytes.ts';

type Options = NonNullable<Parameters<typeof real>[1]>;

/** Longer inputs are rare and not remembered. */
const KNOWN_BYTES_MAX = 1024;
const KNOWN_MAX = 50_000;

/** A cache of up to twice KNOWN_MAX entries in two generations: when the newer is full, the older one is dropped. */
class Known {
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();

  /** Returns a copy, because the caller may write into it. */
  get(data: Uint8Array, make: () => Uint8Array): Uint8Array {
    if (data.length > KNOWN_BYTES_MAX) return make();
    const key = Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
    const known = this.#young.get(key) ?? this.#old.get(key) ?? make();
    if (!this.#young.has(key)) this.#keep(key, known);
    return known.slice();
  }

  #keep(key: string, known: Uint8Array): void {
    if (this.#young.size >= KNOWN_MAX) [this.#old, this.#young] = [this.#young, new Map()];
    this.#young.set(key, known);
  }
}

const plain = new Known();

function create(options: Options) {
  const base = real.create(options);
  const known = new Known();
  const clone = () => {
    let data: Uint8Array = new Uint8Array(0);
    const hasher = {
      update(whole: Uint8Array) {
        data = data.length ? concat(data, whole) : whole;
        return hasher;
      },
      digest: () => known.get(data, () => base.clone().update(data).digest()),
      xof: (size: number) => base.clone().update(data).xof(size),
    };
    return hasher;
  };
  return { clone, _cloneInto: clone };
}

export const blake3 = Object.assign(
  (data: Uint8Array, options?: Options): Uint8Array =>
    options ? real(data, options) : plain.get(data, () => real(data)),
  { create },
);
