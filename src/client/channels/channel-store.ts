/** Where both ends keep their channels: one record a channel, each write all or nothing and durable. */
import type { Store } from '../../chain/store/store.ts';
import { encode, tryDecode, type Codec } from '../../core/codec.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { AskerRecord } from './asker-record.ts';
import { ProviderRecord } from './provider-record.ts';

/** Channels of one end: what a stranger's openings, which cost him a fee each, can make a provider keep. */
export const CHANNELS_MAX = 1024;

type Bytes = Pick<Store, 'batch' | 'range'>;

export interface ChannelStore<R> {
  all(): readonly R[];
  get(channel: Uint8Array): R | undefined;
  /** Resolves when the record would survive a loss of power. @throws AppError STORE_FULL, STORE_FAILED, STORE_CLOSED */
  put(record: R): Promise<void>;
  remove(channel: Uint8Array): Promise<void>;
}

/** A record that can't be read is left where it is and counts as none: another version may read it. */
async function open<R extends { readonly channel: Uint8Array }>(
  store: Bytes,
  prefix: string,
  codec: Codec<R>,
): Promise<ChannelStore<R>> {
  const keyOf = (channel: Uint8Array): string => `${prefix}/${toHex(channel)}`;
  const found = await store.range(`${prefix}/`, `${prefix}0`, CHANNELS_MAX);
  const records = new Map<string, R>();
  for (const { key, value } of found) {
    const record = tryDecode(codec, value);
    if (record) records.set(key, record);
  }
  return {
    all: () => [...records.values()],
    get: (channel) => records.get(keyOf(channel)),
    async put(record) {
      const key = keyOf(record.channel);
      if (!records.has(key) && records.size >= CHANNELS_MAX)
        throw new AppError('STORE_FULL', `${CHANNELS_MAX} channels are kept`);
      await store.batch([{ key, value: encode(codec, record) }], true);
      records.set(key, record);
    },
    async remove(channel) {
      const key = keyOf(channel);
      await store.batch([{ key, value: undefined }], true);
      records.delete(key);
    },
  };
}

export const openAskerStore = (store: Bytes): Promise<ChannelStore<AskerRecord>> =>
  open(store, 'channels/asked', AskerRecord);
export const openProviderStore = (store: Bytes): Promise<ChannelStore<ProviderRecord>> =>
  open(store, 'channels/served', ProviderRecord);
