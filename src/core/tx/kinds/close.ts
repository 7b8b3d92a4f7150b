/**
 * The end of a channel: its provider takes what was vouched for, the asker gets the rest (docs/protocol.md §8.5).
 * The channel pays, so the account of the provider's key, if there is one, is neither read nor changed.
 */
import { equal } from '../../../lib/bytes.ts';
import { tryDecode } from '../../codec.ts';
import { verifyHash, voucherHash } from '../../channel.ts';
import { fault } from '../../faults.ts';
import { Channel, ChannelList, type TxOf } from '../../formats.ts';
import { ACCOUNT_MIN } from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import { lacksLeaf, MissingNode, treeGet, type Tree } from '../../tree/tree.ts';
import { creditFaults, settle, U64_MAX } from '../state-tx.ts';
import type { Effects, Place, TxKind } from './kind.ts';

type Close = TxOf<'close'>;

export const close: TxKind<Close> = {
  // Its channel's leaf says whom it pays.
  credits: () => [],
  reads: (tx, { tree }) => (tree ? readsOf(channelIn(tree, tx.channel)) : []),
  makes: (tx, { tree }) => (tree ? madeBy(tx, tree, channelIn(tree, tx.channel)) : 0),
  codes: [
    'tx.close-nonce',
    'tx.close-fee',
    'tx.close-unknown',
    'tx.close-provider',
    'tx.close-amount',
    'tx.close-voucher',
  ],
  *faults({ nonce, fee, amount }) {
    if (nonce !== 0n) yield fault('tx.close-nonce', { nonce });
    if (amount < fee) yield fault('tx.close-fee', { amount, fee });
  },
  effects: end,
  // Its channel ends at a height, whatever the blocks hold.
  isOpenToOthers: () => true,
};

function channelIn(tree: Tree, id: Uint8Array): Channel | undefined {
  try {
    const leaf = treeGet(tree, stateKey.channel(id));
    return leaf && tryDecode(Channel, leaf);
  } catch (e) {
    if (e instanceof MissingNode) return undefined;
    throw e;
  }
}

/** Of payee and asker: what is below the least balance makes no account. */
const madeBy = (tx: Close, tree: Tree, open: Channel | undefined): number =>
  open
    ? [
        [open.payee, tx.amount - tx.fee] as const,
        [open.asker, open.limit - tx.amount] as const,
      ].filter(([who, coins]) => coins >= ACCOUNT_MIN && lacksLeaf(tree, stateKey.account(who)))
        .length
    : 0;

const readsOf = (open: Channel | undefined): Uint8Array[] =>
  open
    ? [
        ...[open.payee, open.asker].map((address) => stateKey.account(address)),
        stateKey.channelsEnding(open.expiry),
      ]
    : [];

function* end(tx: Close, { block }: Place): Effects {
  const { view, context, params } = block;
  const key = stateKey.channel(tx.channel);
  const open = view.get(Channel, key);
  if (!open) yield fault('tx.close-unknown');
  if (!open) return undefined;

  const { signer, provider, payee, asker, limit, expiry } = open;
  if (!equal(tx.from, provider)) yield fault('tx.close-provider');
  if (tx.amount > limit) yield fault('tx.close-amount', { amount: tx.amount, limit });
  const vouched = voucherHash(context.genesis, tx.channel, tx.amount);
  const verify = context.verifyHash ?? verifyHash;
  if (!verify(vouched, tx.voucher, signer)) yield fault('tx.close-voucher');

  const earned = params.rules.promised('tx.close-fee', tx.amount - tx.fee, 0n, U64_MAX);
  const rest = params.rules.promised('tx.close-amount', limit - tx.amount, 0n, U64_MAX);
  // Who opened a channel to pay himself is one party.
  const gains: readonly (readonly [Uint8Array, bigint])[] = equal(payee, asker)
    ? [[asker, earned + rest]]
    : [
        [payee, earned],
        [asker, rest],
      ];
  for (const [address, coins] of gains) yield* creditFaults(view, address, coins);
  const listKey = stateKey.channelsEnding(expiry);
  const others = (view.get(ChannelList, listKey) ?? []).filter((id) => !equal(id, tx.channel));

  return () => {
    for (const [address, coins] of gains) settle(block, address, coins);
    view.set(Channel, key, undefined);
    view.set(ChannelList, listKey, others.length ? others : undefined);
  };
}
