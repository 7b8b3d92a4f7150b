/** Prepaying answers: what a person sets aside, what the vault read of it, and how a channel is told. Pure. */
import type { ModelInfo, Prepaid, Provider } from '../../../client/api.ts';
import { shapeOfInput, shapesOfInput, tokensMax, tokensRead } from '../../../core/manifest.ts';
import {
  costOf,
  pricedInput,
  stepOf,
  unitsFor,
  type Price,
  type Priced,
} from '../../../core/price.ts';
import { CHANNEL_LIFETIME_MAX, ACCOUNT_MIN, NANOVOLTS } from '../../../core/params.ts';
import type { NetworkName } from '../../../core/params.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import type { TxSummary } from '../../../wallet/vault/vault-api.ts';
import { groupsOf, parseVolts } from '../../kit/format.ts';
import { isLost } from '../../wallet/send/transfer.ts';

/** Blocks for which coins are set aside, as offered: at 60 s a block one day, one week, two weeks. */
export const LIFETIMES = [1440, 10_080, CHANNEL_LIFETIME_MAX] as const;
/** nV that are proposed where answers are cheap and there are coins enough. */
const LIMIT_FIRST = 2n * NANOVOLTS;
/** Rows, or tokens of a chat's answer, that one answer is counted as. */
const ANSWER_UNITS: Readonly<Record<Price['type'], number>> = { sequence: 1, tokens: 500 };
/** Answers that the proposal pays for at least. */
const ANSWERS_FIRST = 100n;

export interface OpeningForm {
  readonly limit: string;
  /** Blocks. */
  readonly lifetime: number;
}
export interface OpeningMeant {
  /** x-only key. */
  readonly provider: Uint8Array;
  readonly payee: Uint8Array;
  /** nV. */
  readonly limit: bigint;
  readonly lifetime: number;
}
export type OpeningFault =
  'limitMalformed' | 'limitSmall' | 'limitOver' | 'limitRest' | 'limitForbidden' | 'summaryDiffers';

export interface OpeningContext {
  readonly locale: string;
  /** nV. */
  readonly spendable: bigint;
  readonly fee: bigint;
  /** nV that may still be set aside by what the person allowed. */
  readonly allowed: bigint;
}

/** What is set aside if a person changes nothing: some answers' worth, within what there is and what is allowed. */
export function limitProposed(
  price: Price,
  { spendable, fee, allowed }: Omit<OpeningContext, 'locale'>,
): bigint {
  const wanted = largest(
    LIMIT_FIRST,
    ANSWERS_FIRST * costOf({ price, read: 0 }, ANSWER_UNITS[price.type]),
  );
  const there = smallest((spendable - fee) / 2n, allowed);
  return largest(ACCOUNT_MIN, smallest(wanted, there));
}

const largest = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smallest = (a: bigint, b: bigint): bigint => (a < b ? a : b);

export function checkOpening(
  form: OpeningForm,
  { key, payee }: Pick<Provider, 'key' | 'payee'>,
  { locale, spendable, fee, allowed }: OpeningContext,
): { meant?: OpeningMeant; fault?: OpeningFault } {
  const limit = parseVolts(form.limit, locale);
  if (limit === undefined) return { fault: 'limitMalformed' };
  if (limit < ACCOUNT_MIN) return { fault: 'limitSmall' };
  if (limit + fee > spendable) return { fault: 'limitOver' };
  if (limit > allowed) return { fault: 'limitForbidden' };
  if (isLost(spendable - limit - fee)) return { fault: 'limitRest' };
  return { meant: { provider: key, payee, limit, lifetime: form.lifetime } };
}

/** Whether the vault read in the bytes what was meant, on the network of this page. */
export const opensTheSame = (
  read: TxSummary,
  meant: OpeningMeant,
  as: { readonly signer: Uint8Array; readonly fee: bigint; readonly network?: NetworkName },
): boolean =>
  read.type === 'channel' &&
  read.prepays !== undefined &&
  read.network !== undefined &&
  read.network === as.network &&
  equal(read.prepays.provider, meant.provider) &&
  equal(read.prepays.payee, meant.payee) &&
  equal(read.prepays.signer, as.signer) &&
  read.prepays.lifetime === meant.lifetime &&
  read.amount === meant.limit &&
  read.fee === as.fee;

/** The beginning of a key, for a glance: the whole key stands where something is confirmed. */
export const nameOfKey = (key: Uint8Array): string => groupsOf(toHex(key)).slice(0, 2).join(' ');

export const isUsable = ({ state }: Pick<Prepaid, 'state'>): boolean =>
  state === 'waiting' || state === 'open';

/** What one may still spend in it, nV. */
export const leftIn = ({ limit, spent }: Pick<Prepaid, 'limit' | 'spent'>): bigint => limit - spent;

/** The usable channel with a provider that has most left. */
export const channelWith = (
  channels: readonly Prepaid[],
  provider: Uint8Array,
): Prepaid | undefined =>
  channels
    .filter((channel) => isUsable(channel) && equal(channel.provider, provider))
    .sort((a, b) => (leftIn(a) < leftIn(b) ? 1 : -1))[0];

/** nV that channels hold which have not ended. */
export const heldIn = (channels: readonly Prepaid[]): bigint =>
  channels.reduce((sum, { state, limit }) => (state === 'over' ? sum : sum + limit), 0n);

/** Tokens that an answer has at most: some hundred words, before a person is asked again. */
const TOKENS_MOST = 512;

/** Units of an input's answer at most: rows, one for each sequence, or tokens for which there is room. */
export const unitsOf = (input: Uint8Array, model: ModelInfo): number =>
  model.kind === 'generator'
    ? Math.max(1, Math.min(TOKENS_MOST, tokensMax(model) - tokensRead(model, input)))
    : shapesOfInput(model, input).length;

/**
 * Units that an answer is asked for: of tokens no more than what is left pays for, but a step.
 * @param left nV; undefined: nothing is set aside yet
 */
export function unitsAsked(
  input: Uint8Array,
  model: ModelInfo,
  price: Price,
  left: bigint | undefined,
): number {
  const units = unitsOf(input, model);
  if (model.kind !== 'generator' || left === undefined) return units;
  const payable = Math.max(stepOf(price), unitsFor(priceFor(price, model, input), left));
  return Math.min(units, payable);
}

/** How often a long input costs what a short one does, for each row; at least 1. */
export const timesPrice = (model: ModelInfo, input: Uint8Array | undefined): number =>
  input?.length && model.kind !== 'generator'
    ? Math.max(1, shapeOfInput(model, input).tokens / model.shapes[0]!.tokens)
    : 1;

/** What is asked for each row of the answer; before anything is typed, for a short text. */
export const priceFor = (price: Price, model: ModelInfo, input: Uint8Array | undefined): Priced =>
  input?.length ? pricedInput(price, model, input) : { price, read: 0 };

/** The newest of each channel, where it was; a new one at the end. */
export function withChannel(channels: readonly Prepaid[], told: Prepaid): Prepaid[] {
  const at = channels.findIndex(({ id }) => equal(id, told.id));
  return at < 0 ? [...channels, told] : channels.with(at, told);
}

/** Bytes of a shared answer in a link: longer addresses are cut by programs that pass them on. */
export const LINK_BYTES_MAX = 1500;

/** As part of an address: base64url without padding. */
export const linkText = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

/** Bytes of `linkText`; undefined when it is none. */
export function bytesOfLink(text: string): Uint8Array | undefined {
  if (text.length > 2 * LINK_BYTES_MAX || !/^[\w-]+$/.test(text)) return undefined;
  try {
    const packed = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(packed, (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
