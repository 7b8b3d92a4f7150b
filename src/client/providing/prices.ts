/**
 * What a provider asks for an answer (docs/protocol.md §9.1): no less than its device would earn by mining in the time.
 * Pure; nothing here is a rule of the chain.
 */
import { READ_PER_UNIT, type Price } from '../../core/price.ts';
import { targetOf, type Dated } from '../../core/header/target.ts';
import { isGenerator, unitMacs, type Manifest } from '../../core/manifest.ts';
import type { Params } from '../../core/params.ts';
import type { MinerStatus } from '../../miner/engine/miner-api.ts';
import { subsidyPerPass } from '../mining/subsidy.ts';

/** Per cent of what mining would have earned: answering must not be worth less than a pass that waits for luck. */
const OVER_MINING_PERCENT = 105n;
/** nV. */
export const PRICE_MIN = 1n;

/** What mining earns now. */
export interface MiningNow {
  /** Of the models that the network lets be mined. */
  readonly models: Iterable<Manifest>;
  /** Of the next block. */
  readonly target: bigint;
  readonly height: number;
  /** What this device has measured of itself; absent: it does not mine. */
  readonly device?: MeasuredDevice | undefined;
}

export type MeasuredDevice = Pick<MinerStatus, 'backend' | 'macsPerSecond' | 'answering'>;

/** At the head's difficulty. */
export const miningNow = (
  params: Params,
  head: Dated,
  models: ReadonlyMap<string, Manifest>,
  device?: MeasuredDevice,
): MiningNow => ({
  models: models.values(),
  target: targetOf(params, head),
  height: head.height + 1,
  device,
});

/** nV that mining the best model earns in the time of so many multiplications. */
function earnedIn(macs: bigint, { models, target, height }: MiningNow): bigint {
  let most = PRICE_MIN;
  for (const mined of models) {
    const earned = subsidyPerPass(mined, target, height) * macs * OVER_MINING_PERCENT;
    const per = unitMacs(mined) * 100n;
    const amount = (earned + per - 1n) / per;
    if (amount > most) most = amount;
  }
  return most;
}

/**
 * The least price for a sequence of the shape that is mined; longer ones cost more (core/price.ts). Time is counted in
 * multiplications, as a device does about as many in a second of any model. A sequence may have to go through the model
 * by itself: so it costs a whole pass.
 */
const sequencePrice = (model: Manifest, now: MiningNow): Price => ({
  type: 'sequence',
  amount: earnedIn(unitMacs(model), now),
});

/** For a thousand tokens of an answer. */
const tokenPrice = (model: Manifest, now: MiningNow): Price => ({
  type: 'tokens',
  amount: earnedIn(1000n * (macsInStep(model, now) ?? macsOfToken(model)), now),
});

/**
 * Multiplications of mining that this device does in the time of a token's step. Undefined where it has not measured
 * both, or mines on a GPU, which goes on beside the steps of the processor.
 */
function macsInStep({ name }: Manifest, { device }: MiningNow): bigint | undefined {
  const ms = device?.answering.tokenMs[name];
  if (!ms || device.backend !== 'cpu' || !device.macsPerSecond) return undefined;
  return BigInt(Math.ceil((device.macsPerSecond * ms) / 1000));
}

/** What a token is held to be worth before: it takes the time of several in a pass, and all rows of the head. */
function macsOfToken(model: Manifest): bigint {
  const head = BigInt(model.vocabulary) * BigInt(model.answerSize);
  const pass = model.linears.reduce((sum, { k, n }) => sum + BigInt(k) * BigInt(n), 0n);
  return BigInt(READ_PER_UNIT) * (pass + head);
}

/** What a provider asks that names no price. */
export const fairPrice = (model: Manifest, now: MiningNow): Price =>
  isGenerator(model) ? tokenPrice(model, now) : sequencePrice(model, now);
