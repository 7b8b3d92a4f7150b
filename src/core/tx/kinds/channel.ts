/** Coins put aside for a provider, which the asker's signer vouches for bit by bit (docs/protocol.md §8.5). */
import { fault } from '../../faults.ts';
import { Channel, ChannelList, type TxOf } from '../../formats.ts';
import {
  CHANNEL_LIFETIME_MAX,
  CHANNEL_LIFETIME_MIN,
  ACCOUNT_MIN,
  CHANNELS_PER_EXPIRY_MAX,
} from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import { lacksLeaf } from '../../tree/tree.ts';
import { txId } from '../tx.ts';
import type { Effects, Place, TxKind } from './kind.ts';

type Opening = TxOf<'channel'>;

export const channel: TxKind<Opening> = {
  credits: () => [],
  reads: (tx, { height, genesis }) => [
    stateKey.channel(txId(genesis, tx)),
    stateKey.channelsEnding(height + tx.lifetime),
  ],
  // Its own, and the list of its height where it is the first.
  makes: (tx, { height, tree }) =>
    lacksLeaf(tree, stateKey.channelsEnding(height + tx.lifetime)) ? 2 : 1,
  codes: ['tx.channel-limit', 'tx.channel-lifetime', 'tx.channel-full'],
  *faults({ limit, lifetime }) {
    if (limit < ACCOUNT_MIN) yield fault('tx.channel-limit', { limit });
    if (lifetime < CHANNEL_LIFETIME_MIN || lifetime > CHANNEL_LIFETIME_MAX)
      yield fault('tx.channel-lifetime', { lifetime });
  },
  effects: open,
  isOpenToOthers: () => true,
};

function* open(tx: Opening, { block: { view, height, params, context }, from }: Place): Effects {
  const expiry = height + tx.lifetime;
  const listKey = stateKey.channelsEnding(expiry);
  const ending = view.get(ChannelList, listKey) ?? [];
  if (ending.length >= CHANNELS_PER_EXPIRY_MAX) yield fault('tx.channel-full', { expiry });
  const [most, listed] = [CHANNELS_PER_EXPIRY_MAX, ending.length + 1];
  const count = params.rules.promised('tx.channel-full', listed, 0, most);
  const id = txId(context.genesis, tx);
  const key = stateKey.channel(id);
  // None is there; a partial tree that lacks its place must say so before the sender has paid.
  view.get(Channel, key);

  return () => {
    const { signer, provider, payee, limit } = tx;
    const opened = { asker: from, signer, provider, payee, limit, expiry };
    view.set(Channel, key, opened);
    view.set(ChannelList, listKey, [...ending, id].slice(0, count));
  };
}
