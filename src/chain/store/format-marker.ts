/**
 * What a database says of itself: schema, chain, genesis. Written in the first batch; checked before
 * anything else is read, so that no program works on another network's or a newer program's data.
 */
import { encode, hash32, struct, tryDecode, u16, u32, u8, type Value } from '../../core/codec.ts';
import { AppError } from '../../lib/errors.ts';
import type { Put, Store } from './store.ts';

const Marker = struct({ magic: u32, kind: u8, schema: u16, chainId: u32, genesisId: hash32 });
export type Marker = Value<typeof Marker>;

export const FORMAT_KEY = 'format';
/** "pila" read as a little-endian number. */
const MAGIC = 0x616c_6970;
/** The number that stands for a kind of chain in its database: never another kind's. */
const KIND_CODES = { full: 0, light: 1 } as const;
export type ChainKind = keyof typeof KIND_CODES;

export interface Format {
  readonly kind: ChainKind;
  /** Raised when the meaning of the stored keys or values changes. */
  readonly schema: number;
  readonly chainId: number;
}

export const formatPut = (format: Format, genesisId: Uint8Array): Put => ({
  key: FORMAT_KEY,
  value: encode(Marker, {
    magic: MAGIC,
    kind: KIND_CODES[format.kind],
    schema: format.schema,
    chainId: format.chainId,
    genesisId,
  }),
});

/**
 * The stored genesis id, 'empty' for a new database, 'damaged' when it has data but no readable marker, or, of an
 * older program's, which is to begin anew, an AppError STORE_OLD that says so.
 * @throws AppError STORE_FOREIGN: another program's, network's, or a newer version's database
 */
export async function readFormat(
  store: Store,
  format: Format,
): Promise<Uint8Array | 'empty' | 'damaged' | AppError> {
  const data = await store.get(FORMAT_KEY);
  if (!data) return (await store.range('', '\x7f', 1)).length ? 'damaged' : 'empty';
  const marker = tryDecode(Marker, data);
  if (!marker || marker.magic !== MAGIC) return 'damaged';
  const foreign = (sentence: string) => new AppError('STORE_FOREIGN', sentence);
  if (marker.kind !== KIND_CODES[format.kind])
    throw foreign(`This database is not one of a ${format.kind} chain.`);
  const versions = `has format ${marker.schema}, this program writes ${format.schema}`;
  if (marker.schema > format.schema) throw foreign(`This database ${versions}.`);
  if (marker.chainId !== format.chainId)
    throw foreign(`This database is of chain ${marker.chainId}, not ${format.chainId}.`);
  if (marker.schema < format.schema)
    return new AppError(
      'STORE_OLD',
      `The stored chain ${versions}: it begins anew. Keys and settings stay.`,
    );
  return marker.genesisId;
}
