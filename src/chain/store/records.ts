/** Pieces of keys and records that the stores of both chains have. */
import { hash32, struct, tryDecode, type Codec, type Value } from '../../core/codec.ts';
import { Header } from '../../core/formats.ts';
import type { AppError } from '../../lib/errors.ts';
import { toHex } from '../../lib/bytes.ts';
import type { Store } from './store.ts';

/** Heights between two stored chain points: what a start replays at most beyond its window. */
export const POINT_EVERY = 256;

/** A number in ten digits, so that ranges of keys run in its order. */
export const digits = (n: number): string => String(n).padStart(10, '0');

/** @param key a state key, or its hex */
export const leafKey = (key: Uint8Array | string): string =>
  `s/${typeof key === 'string' ? key : toHex(key)}`;

/** A header with its id, which would cost a hash to make again. */
export const MainEntry = struct({ id: hash32, header: Header });
export type MainEntry = Value<typeof MainEntry>;

/** A record that must be there. @throws what `damaged` makes of a sentence */
export async function needRecord<T>(
  store: Store,
  key: string,
  codec: Codec<T>,
  damaged: (what: string) => AppError,
): Promise<T> {
  const data = await store.get(key);
  const value = data && tryDecode(codec, data);
  if (value === undefined) throw damaged(`the record ${key} is missing or mangled`);
  return value;
}
