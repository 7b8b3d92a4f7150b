/** Where both ends keep their channels: one record a channel, each write all or nothing and durable. */
import { dropOtherChain } from '../../chain/store/other-chain.ts';
import type { Put, Store } from '../../chain/store/store.ts';
import { encode, tryDecode, type Codec } from '../../core/codec.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { AskerRecord } from './asker-record.ts';
import { ProviderRecord } from './provider-record.ts';

/** Channels of one end: what a stranger's openings, which cost him a fee each, can make a provider keep. */
export const CHANNELS_MAX = 1024;

const ASKED = 'channels/asked';
const SERVED = 'channels/served';
/** Channels of both ends, and who paid in them. */
const OF_CHAIN = { marker: 'channels/chain', prefixes: ['channels/'] };

type Bytes = Pick<Store, 'batch' | 'range'>;

/**
 * Before either end's store is opened: drops what is kept of channels of another chain, which this one never knew.
 * @returns ids of the asker's that went: what vouches for them may go too
 */
export async function dropOtherChannels(
  store: Pick<Store, 'batch' | 'get' | 'range'>,
  genesisId: Uint8Array,
): Promise<Uint8Array[]> {
  const gone = (await dropOtherChain(store, OF_CHAIN, genesisId)) ?? [];
  const asked = gone.filter((key) => key.startsWith(`${ASKED}/`));
  return asked.flatMap((key) => fromHex(key.slice(ASKED.length + 1), 32) ?? []);
}

export interface ChannelStore<R> {
  all(): readonly R[];
  get(channel: Uint8Array): R | undefined;
  /** Resolves when the record would survive a loss of power. @throws AppError STORE_FULL, STORE_FAILED, STORE_CLOSED */
  put(record: R): Promise<void>;
  /** @param write what goes with it is written in one: all or nothing */
  remove(channel: Uint8Array, write?: (puts: readonly Put[]) => Promise<void>): Promise<void>;
}

/** A record that can't be read is left where it is and counts as none: another version may read it. */
async function open<R extends { readonly channel: Uint8Array }>(
  store: Bytes,
  prefix: string,
  codec: Codec<R>,
): Promise<ChannelStore<R>> {
  const keyOf = (channel: Uint8Array): string => `${prefix}/${toHex(channel)}`;
  const records = new Map<string, R>();
  // To the last one: those that another version left may be as many, and stand before.
  for (let from = `${prefix}/`; ;) {
    const found = await store.range(from, `${prefix}0`, CHANNELS_MAX);
    const last = found.at(-1);
    if (!last) break;
    for (const { key, value } of found) {
      const record = tryDecode(codec, value);
      if (record) records.set(key, record);
    }
    from = `${last.key}0`;
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
    async remove(channel, write = (puts) => store.batch(puts, true)) {
      const key = keyOf(channel);
      await write([{ key, value: undefined }]);
      records.delete(key);
    },
  };
}

export const openAskerStore = (store: Bytes): Promise<ChannelStore<AskerRecord>> =>
  open(store, ASKED, AskerRecord);
export const openProviderStore = (store: Bytes): Promise<ChannelStore<ProviderRecord>> =>
  open(store, SERVED, ProviderRecord);
