/** Numbers, amounts, ages and addresses as text for people, and amounts back. Pure. */
import type { ChainStatus } from '../../client/api.ts';
import { isStale } from '../../core/header/stale.ts';
import { NANOVOLTS } from '../../core/params.ts';

const DECIMALS = 9;
/** At least so many are shown. */
const SHOWN_DECIMALS = 4;
/** u64, nV. */
const AMOUNT_MAX = (1n << 64n) - 1n;

/** nV as VLT: at least four decimals, never rounded, with a minus as wide as the plus. */
export function formatVolts(nanovolts: bigint, locale: string): string {
  const sign = nanovolts < 0n ? '-' : '';
  const size = nanovolts < 0n ? -nanovolts : nanovolts;
  const fraction = String(size % NANOVOLTS).padStart(DECIMALS, '0');
  const exact = `${sign}${size / NANOVOLTS}.${fraction}` as Intl.StringNumericLiteral;
  const digits = { minimumFractionDigits: SHOWN_DECIMALS, maximumFractionDigits: DECIMALS };
  return new Intl.NumberFormat(locale, digits).format(exact).replace('-', '−');
}

/** Longer text is no amount. */
const AMOUNT_CHARS_MAX = 40;

/**
 * nV of an amount as people of `locale` write it, or as `formatVolts` shows it, with sign and unit;
 * undefined if it is none. Marks between thousands are read only where four decimals follow, as they
 * do where we show them: 1,234 alone could be either.
 */
export function parseVolts(text: string, locale: string): bigint | undefined {
  if (text.length > AMOUNT_CHARS_MAX) return undefined;
  const comma = (1.5).toLocaleString(locale).includes(',');
  const bare = text
    .trim()
    .replace(/^[+\u2212]\s?/, '')
    .replace(/\s?VLT$/, '');
  const decimals = comma ? ',' : '.';
  const at = bare.indexOf(decimals);
  const fraction = at < 0 ? '' : bare.slice(at + 1);
  const before = at < 0 ? bare : bare.slice(0, at);
  const whole = fraction.length >= SHOWN_DECIMALS ? withoutGroups(before, decimals) : before;
  if (!/^\d{1,11}$/.test(whole) || !/^\d{0,9}$/.test(fraction)) return undefined;
  if (at >= 0 && fraction === '') return undefined;
  const amount = BigInt(whole) * NANOVOLTS + BigInt(fraction.padEnd(DECIMALS, '0'));
  return amount <= AMOUNT_MAX ? amount : undefined;
}

/** Groups of three, or of two before the last as in India, by any region's mark but its decimal one. */
function withoutGroups(whole: string, decimals: string): string {
  const grouped = /^\d{1,3}([.,'’\s])(?:\d{2,3}\1){0,4}\d{3}$/.exec(whole);
  return grouped && grouped[1] !== decimals ? whole.replace(/\D/g, '') : whole;
}

/** Text that `parseVolts` reads back. */
export function editVolts(nanovolts: bigint, locale: string): string {
  const fraction = String(nanovolts % NANOVOLTS)
    .padStart(DECIMALS, '0')
    .replace(/0+$/, '');
  const mark = (1.5).toLocaleString(locale).includes(',') ? ',' : '.';
  return `${nanovolts / NANOVOLTS}${fraction && mark + fraction}`;
}

const STEPS = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
/** With three significant digits and the fitting prefix: `41.2` and `GMAC/s`. */
export function siOf(
  value: number,
  unit: string,
  locale: string,
): { number: string; unit: string } {
  let step = 0;
  let scaled = value;
  while (scaled >= 999.5 && step < STEPS.length - 1) {
    scaled /= 1000;
    step++;
  }
  const number = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 }).format(scaled);
  return { number, unit: `${STEPS[step]}${unit}` };
}

export function formatSi(value: number, unit: string, locale: string): string {
  const parts = siOf(value, unit, locale);
  return `${parts.number}\u00a0${parts.unit}`;
}

/** In words from a million on, with three significant digits: `388 million`; `short` for axes: `388M`. */
export const formatCompact = (
  value: number,
  locale: string,
  compactDisplay: 'long' | 'short' = 'long',
): string =>
  new Intl.NumberFormat(locale, {
    notation: 'compact',
    compactDisplay,
    maximumSignificantDigits: 3,
  }).format(value);

/** From here on a language may join the number to what is counted: `388 milioni di …`. */
export const isMillions = (value: number): boolean => value >= 999_500;

export const formatCount = (value: number | bigint, locale: string): string =>
  new Intl.NumberFormat(locale).format(value);

/** @param share of 1 */
export const formatPercent = (share: number, locale: string): string =>
  new Intl.NumberFormat(locale, { style: 'percent' }).format(share);

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;
/** `14s ago`; never in the future, whatever the clocks say. */
export function formatAge(ms: number, locale: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { style: 'narrow' });
  const age = Math.max(0, ms);
  for (const [unit, size] of UNITS)
    if (age >= size) return format.format(-Math.floor(age / size), unit);
  return format.format(-Math.floor(age / 1000), 'second');
}

/** The time of a day: `15:20`, or as the region writes it. */
export const formatClock = (ms: number, locale: string): string =>
  new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(ms);

/** In the largest unit of which there are two: `90 seconds`, `4 hours`; under ten with one decimal. */
export function formatDuration(ms: number, locale: string): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= 2 * one) ?? (['second', 1000] as const);
  const value = ms / size;
  const options = { style: 'unit', unit, unitDisplay: 'long' } as const;
  const maximumFractionDigits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale, { ...options, maximumFractionDigits }).format(value);
}

/** `q8k2 …`: all of it, in fours, so that every part gets compared. */
export const groupsOf = (text: string): string[] => text.match(/.{1,4}/g) ?? [];

/** An address where it stands for a name: its beginning. */
export const shortAddress = (text: string): string => `${groupsOf(text).slice(0, 3).join(' ')} …`;

const DEAD_MS = 600_000;
/** Stale for so long that something is wrong. */
export const isDead = (headTimeMs: number, nowMs: number, blockTimeMs: number): boolean =>
  isStale(headTimeMs, nowMs, blockTimeMs) && nowMs - headTimeMs > DEAD_MS;

/** How many peers have the same head, of those that had time to say so since it came. */
export function agreement(
  { peers, peersAgreeing, peersAsked }: Pick<ChainStatus, 'peers' | 'peersAgreeing' | 'peersAsked'>,
  saying: {
    readonly asking: (n: number, shown: string) => string;
    readonly agree: (n: number, agreeing: string, all: string) => string;
    readonly count: (n: number) => string;
  },
): string {
  const { count } = saying;
  if (peers.length && !peersAsked) return saying.asking(peers.length, count(peers.length));
  return saying.agree(peersAgreeing, count(peersAgreeing), count(peersAsked));
}
