/** What dishonest ends make of the frames and closes of an honest one. */
import { ASK_CODES, type AskerFrame, type ProviderFrame } from '../../src/core/ask-messages.ts';
import { signHash, voucherHash } from '../../src/core/channel.ts';
import { UNIT } from './ledger.ts';
import type { Random } from '../sim/random.ts';

/** What a liar knows and has. */
export interface Cunning {
  readonly random: Random;
  readonly genesis: Uint8Array;
  readonly channel: Uint8Array;
  readonly secret: Uint8Array;
  /** Frames that any asker has sent in this simulation, other channels' and another network's too. */
  readonly heard: readonly AskerFrame[];
  /** Frames that this end has let out so far, and after which it breaks off: at each step in some seed. */
  count: number;
  readonly patience: number;
}

type AskerLie = (frame: AskerFrame, own: Cunning) => readonly AskerFrame[];
type ProviderLie = (frame: ProviderFrame, own: Cunning) => readonly ProviderFrame[];

const vouch = ({ genesis, channel, secret }: Cunning, amount: bigint): AskerFrame => ({
  type: 'voucher',
  amount,
  signature: signHash(voucherHash(genesis, channel, amount), secret),
});

export const ASKER_LIES = {
  /** Takes and leaves. */
  leave: (frame, { count, patience }) =>
    frame.type === 'voucher' && count > patience ? [] : [frame],
  /** Never pays; the world cuts its streams, so that it opens many. */
  replace: (frame) => (frame.type === 'voucher' ? [] : [frame]),
  /** Pays, and takes the coins of the opening back where that costs less blocks than it saves (world). */
  'double-spend': (frame) => [frame],
  /** Repeats what others and itself have sent. */
  replay: (frame, { random, heard }) => [
    ...(frame.type === 'voucher' && random.chance(0.5) ? [] : [frame]),
    ...(heard.length ? [random.pick(heard), random.pick(heard)] : []),
  ],
  /** Vouches for what it had vouched for before. */
  old: (frame, own) =>
    frame.type === 'voucher' && own.count > 4
      ? [vouch(own, frame.amount / 2n), vouch(own, 0n)]
      : [frame],
  flood: (frame) => Array.from({ length: 6 }, () => frame),
  /** Vouches for what was not delivered, and asks out of order. */
  jump: (frame, own) => [
    ...(frame.type === 'voucher' && own.random.chance(0.5)
      ? [vouch(own, frame.amount + 10_000n * UNIT)]
      : [frame]),
    ...(frame.type === 'question' ? [{ ...frame, n: frame.n + own.random.int(-2, 3) + 2 }] : []),
  ],
  /** Vouches without the key. */
  forge: (frame, { random }) =>
    frame.type === 'voucher'
      ? [{ ...frame, signature: frame.signature.map((b) => b ^ random.int(1, 255)) }]
      : [frame],
} satisfies Record<string, AskerLie>;
export type AskerLiar = keyof typeof ASKER_LIES;

export const PROVIDER_LIES = {
  /** Another answer than the model's (world): its receipt shows it. */
  garbage: (frame) => [frame],
  /** Other bytes than it signs for. */
  mix: (frame) =>
    frame.type === 'part' ? [{ ...frame, bytes: frame.bytes.map((b) => b ^ 1) }] : [frame],
  stall: (frame, { count, patience }) => (count > patience ? [] : [frame]),
  flood: (frame) => [frame, frame, frame],
  /** Answers another question. */
  other: (frame) =>
    frame.type === 'done'
      ? [{ ...frame, receipt: { ...frame.receipt, question: frame.receipt.answer } }]
      : [frame],
  overcharge: (frame, { random }) => {
    if (frame.type === 'part')
      return [{ ...frame, units: frame.units + (random.chance(0.5) ? 1000 : 0) }];
    if (frame.type === 'done')
      return [{ ...frame, receipt: { ...frame.receipt, total: frame.receipt.total * 2n } }];
    return [frame];
  },
  /** Steps that hold more than one, or nothing. */
  pad: (frame) =>
    frame.type === 'part'
      ? [{ ...frame, units: frame.units + 300, bytes: new Uint8Array(frame.bytes.length + 600) }]
      : [frame],
  /** Refuses what it has begun, for any reason. */
  refuse: (frame, { random }) =>
    random.chance(0.3)
      ? [{ type: 'refused', code: random.pick(ASK_CODES), least: 10n ** 9n }, frame]
      : [frame],
  vanish: (frame, { count, patience }) => (count > patience ? [] : [frame]),
  /** The four that follow lie to the chain (world). */
  'close-early': (frame) => [frame],
  'close-late': (frame) => [frame],
  'close-twice': (frame) => [frame],
  'close-old': (frame) => [frame],
} satisfies Record<string, ProviderLie>;
export type ProviderLiar = keyof typeof PROVIDER_LIES;
