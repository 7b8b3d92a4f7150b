/** One seed: some channels over one chain that goes back now and then, until all of them are over. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf } from '../../src/core/address.ts';
import type { AskerFrame } from '../../src/core/ask-messages.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { signHash, voucherHash } from '../../src/core/channel.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { GENESIS_ID } from '../core/fixtures.ts';
import { createRandom } from '../sim/random.ts';
import { askerOfLane, Lane, signerOf, type Loss } from './lane.ts';
import { ChannelLedger, UNIT } from './ledger.ts';
import { ASKER_LIES, PROVIDER_LIES, type AskerLiar, type ProviderLiar } from './liars.ts';
import { ALL_RULES, type SimRules } from './rules.ts';

const LANES = 5;
/** nV. */
const COINS = 100_000n * UNIT;
/** Blocks after which the last channel has expired, and no reorganisation reaches back to it. */
const BLOCKS = 160;
const STEPS_PER_BLOCK = 50;
/** Blocks that a branch takes back at most. */
const REORG_MAX = 8;

export interface Outcome {
  readonly seed: number;
  /** Coins were made or lost, or the state machine and the plain ledger differ; empty: neither. */
  readonly unbalanced: string;
  readonly worst: Loss;
  readonly worstWho: string;
  readonly answered: number;
  /** Questions answered on channels of two honest ends. */
  readonly answeredHonestly: number;
  /** Askers that found an honest provider a liar. */
  readonly slanders: number;
  readonly deaths: number;
  readonly reorganisations: number;
  /** Wrong answers with a receipt, and those whose receipt shows it. */
  readonly lies: number;
  readonly provenLies: number;
}

export interface SimOptions {
  readonly rules?: SimRules;
  /** Kinds of liars; drawn where they are not given. */
  readonly askers?: readonly AskerLiar[];
  readonly providers?: readonly ProviderLiar[];
  /** Rules of consensus that the state machine leaves out. */
  readonly off?: readonly FaultCode[];
}

export function simulate(seed: number, options: SimOptions = {}): Outcome {
  const { rules = ALL_RULES, askers = ASKER_LIARS, providers = PROVIDER_LIARS } = options;
  const random = createRandom(seed, 'world');
  const heard: AskerFrame[] = [];
  const funds = new Map(
    Array.from(
      { length: LANES },
      (_, i) => [toHex(addressOf(schnorr.getPublicKey(askerOfLane(i)))), COINS] as const,
    ),
  );
  const ledger = new ChannelLedger(funds, createRandom(seed, 'ledger'), options.off);
  const lanes = Array.from({ length: LANES }, (_, index) => {
    const liar = liarOf(index, random.pick(askers), random.pick(providers));
    return new Lane({ index, seed, genesis: GENESIS_ID, ledger, heard, liar, rules });
  });
  // What this signer said on another network is heard here, too.
  lanes.forEach(({ channel }, i) => heard.push(foreignVoucher(channel, signerOf(i))));

  let reorganisations = 0;
  while (ledger.height < BLOCKS) {
    for (let i = 0; i < STEPS_PER_BLOCK; i++) random.pick(lanes).step();
    if (random.chance(0.05)) {
      ledger.reorganise(random.int(1, REORG_MAX));
      reorganisations++;
    } else ledger.mine();
    for (const lane of lanes) lane.onBlock();
  }

  const losses = lanes.flatMap((lane, i) => [
    ...(lane.options.liar.asker ? [] : [{ loss: lane.askerLoss, who: `asker ${i}` }]),
    ...(lane.options.liar.provider ? [] : [{ loss: lane.providerLoss, who: `provider ${i}` }]),
  ]);
  const [worst] = losses.sort((a, b) => b.loss.steps - a.loss.steps);
  const sum = (of: (lane: Lane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
  const liarsOf = ({ options }: Lane) => options.liar;
  const worstLane = lanes[Number(worst!.who.split(' ')[1])]!;
  return {
    seed,
    unbalanced: ledger.problem,
    worst: worst!.loss,
    worstWho: `${worst!.who} against ${JSON.stringify(liarsOf(worstLane))}`,
    answered: sum((lane) => lane.answered),
    answeredHonestly: sum((lane) => (Object.keys(liarsOf(lane)).length === 0 ? lane.answered : 0)),
    slanders: sum(({ options, distrusted }) =>
      options.liar.provider || options.liar.asker ? 0 : distrusted,
    ),
    deaths: sum((lane) => lane.deaths),
    reorganisations,
    lies: sum((lane) => lane.lies),
    provenLies: sum((lane) => lane.provenLies),
  };
}

export const ASKER_LIARS = Object.keys(ASKER_LIES) as AskerLiar[];
export const PROVIDER_LIARS = Object.keys(PROVIDER_LIES) as ProviderLiar[];

/** Lane 0 is honest at both ends, the next two have a lying asker, the others a lying provider. */
function liarOf(index: number, asker: AskerLiar, provider: ProviderLiar) {
  if (index === 0) return {};
  return index < 3 ? { asker } : { provider };
}

function foreignVoucher(channel: Uint8Array, signer: Uint8Array): AskerFrame {
  const other = new Uint8Array(32).fill(99);
  const signature = signHash(voucherHash(other, channel, 512n * UNIT), signer);
  return { type: 'voucher', amount: 512n * UNIT, signature };
}
