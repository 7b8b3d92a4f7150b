import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MINER_OFF } from '../../src/client/api.ts';
import { NewestHeaders } from '../../src/ui/work/plots/headers.svelte.ts';
import { barsOf, engravingOf, lineOf, placesOf, topOf } from '../../src/ui/work/plots/shape.ts';
import { NO_RATES, noteRate, RATE_POINTS_MAX, rateWithPauses } from '../../src/ui/work/rate-log.ts';
import {
  earnedOf,
  earningsOf,
  energyPerCoin,
  energyWh,
  FORECAST_MS,
  forecastOf,
  lastHours,
  mayForecast,
  meanWaitMs,
  MONTH_MS,
  parseWatts,
  thinned,
  waitWithin,
} from '../../src/ui/work/series.ts';
import { WorkLog } from '../../src/ui/work/work-log.svelte.ts';
import { LINGUA } from './memory-engine.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { blockId } from '../../src/core/header/header.ts';
import type { Header } from '../../src/core/formats.ts';

const running = { ...MINER_OFF, state: 'running', macsPerSecond: 1e9, units: 1 } as const;

describe('the log of rates', () => {
  it('takes one point in 10 s, keeps an hour, and leaves pauses out', () => {
    let log = NO_RATES;
    for (let s = 0; s <= 7200; s += 5) log = noteRate(log, running, s * 1000);
    expect(log.points.length).toBe(RATE_POINTS_MAX);
    expect(log.measuredMs).toBe(7_200_000);
    const later = noteRate(log, running, 20_000_000);
    expect(later.measuredMs).toBe(7_200_000);
    expect(noteRate(NO_RATES, MINER_OFF, 0)).toBe(NO_RATES);
    expect(log.batteryMs).toBe(0);
    const plugged = noteRate(NO_RATES, running, 0);
    const unplugged = noteRate(plugged, running, 10_000, true);
    expect(noteRate(unplugged, running, 20_000)).toMatchObject({
      measuredMs: 20_000,
      batteryMs: 10_000,
    });
  });

  it('tells a second rate, over the pauses too', () => {
    const at = (timeMs: number) => ({ timeMs, macsPerSecond: 1e9, units: 1 });
    const work = (fromMs: number) => Array.from({ length: 61 }, (_, i) => at(fromMs + i * 10_000));
    expect(rateWithPauses(work(0))).toBeCloseTo(1e9);
    // Ten minutes of work, half an hour of none, ten minutes of work.
    expect(rateWithPauses([...work(0), ...work(2_400_000)])).toBeCloseTo(1e9 * (1200 / 3000));
    expect([rateWithPauses([]), rateWithPauses([at(5)])]).toEqual([0, 1e9]);
  });

  it('forecasts nothing before ten units and a quarter of an hour', () => {
    const enough = { points: [], measuredMs: FORECAST_MS };
    expect(mayForecast(enough, 10)).toBe(true);
    expect(mayForecast(enough, 9)).toBe(false);
    expect(mayForecast({ ...enough, measuredMs: FORECAST_MS - 1 }, 1000)).toBe(false);
  });
});

describe('the wait for a block', () => {
  it('is the work of a block at that rate, and sixteen units at the least', () => {
    const rate = 10 * Number(LINGUA.macs);
    expect(meanWaitMs(20n * LINGUA.macs, LINGUA, rate)).toBeCloseTo(2000);
    for (const difficulty of [0n, 15n * LINGUA.macs, 16n * LINGUA.macs])
      expect(meanWaitMs(difficulty, LINGUA, rate)).toBeCloseTo(1600);
  });

  it('above thirty days is told in words, not as a time', () => {
    const enough = { points: [], measuredMs: FORECAST_MS };
    expect(forecastOf(running, enough, MONTH_MS)).toBe('measuring');
    const miner = { ...running, units: 10 };
    expect(forecastOf(miner, enough, MONTH_MS)).toBe(MONTH_MS);
    expect(forecastOf(miner, enough, MONTH_MS + 1)).toBe('month');
    expect(forecastOf(miner, enough, undefined)).toBe('measuring');
    expect(forecastOf({ ...miner, macsPerSecond: 0 }, enough, 1000)).toBe('idle');
  });

  it('is half the time under ln 2 means, nine times in ten under ln 10: 1 − e^(−x)', () => {
    expect(waitWithin(0.5, 1000)).toBe(1000 * Math.LN2);
    expect(waitWithin(0.9, 1000)).toBeCloseTo(1000 * Math.LN10, 9);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (share) => {
        expect(1 - Math.exp(-waitWithin(share, 7) / 7)).toBeCloseTo(share, 12);
      }),
    );
  });

  it('has the quantiles that simulated waits have', () => {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const waits = Array.from({ length: 20_000 }, () => {
      let tries = 1;
      while (random() > 0.01) tries++;
      return tries;
    });
    for (const share of [0.1, 0.5, 0.9]) {
      const within = waits.filter((tries) => tries <= waitWithin(share, 100)).length;
      expect(within / waits.length).toBeCloseTo(share, 1);
    }
  });
});

describe('what was earned', () => {
  const [mine, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  it('is every block of ours, once, in its step', () => {
    const heights = fc.array(fc.boolean(), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(heights, fc.integer({ min: 1, max: 30 }), (owned, steps) => {
        const headers = owned.map((own, i) => ({
          height: i + 1,
          time: 1000 + i * 700,
          miner: own ? mine : other,
        }));
        const bars = earningsOf(headers, mine, steps);
        expect(bars.length).toBe(steps);
        const blocks = bars.reduce((sum, bar) => sum + bar.blocks, 0);
        expect(blocks).toBe(owned.filter(Boolean).length);
        const amount = bars.reduce((sum, bar) => sum + bar.amount, 0n);
        expect(amount).toBe(BigInt(blocks) * 50_000_000_000n);
      }),
    );
    expect(earningsOf([], mine, 5)).toEqual([]);
  });
});

describe('what it cost', () => {
  it('is the watts that a person names, over the time worked and the coins that came', () => {
    expect(energyWh(60, 1_800_000)).toBe(30);
    const own = new Map([
      [7, 3],
      [9, 8],
    ]);
    expect(earnedOf(own)).toBe(2n * 50_000_000_000n);
    expect(energyPerCoin(30, earnedOf(own))).toBe(0.3);
    expect(energyPerCoin(30, earnedOf(new Map()))).toBeUndefined();
  });

  it('counts for an account from when it is paid', () => {
    const log = new WorkLog();
    expect(log.before).toBe(0);
    log.rates = { ...NO_RATES, measuredMs: 900_000 };
    log.forget();
    expect([log.before, log.own.size]).toEqual([900_000, 0]);
  });

  it('takes whole watts of one socket, nothing else', () => {
    const texts = ['60', ' 3000 ', '3001', '0', '', '1.5', '1e3', '-5', '٣'];
    expect(texts.map(parseWatts)).toEqual([60, 3000, ...Array(7).fill(undefined)]);
  });
});

describe('a plot', () => {
  const box = { width: 100, height: 50, top: 10 };
  it('has an axis from zero to a round number above all values', () => {
    const values = fc.array(fc.double({ min: 1e-6, max: 1e18, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, (some) => {
        expect(topOf(some)).toBeGreaterThan(Math.max(...some));
      }),
    );
    expect([topOf([]), topOf([0]), topOf([41.2e9]), topOf([0.95])]).toEqual([1, 1, 5e10, 1]);
  });

  it('is drawn to scale', () => {
    const places = placesOf(
      [0, 5, 10].map((x) => ({ x, y: x })),
      box,
    );
    expect(lineOf(places)).toBe('M0 50L50 25L100 0');
    const lines = [...engravingOf(places, box).matchAll(/M(\S+) (\S+)V50/g)];
    for (const [, x, y] of lines) expect(+y!).toBeCloseTo(50 - +x! / 2 + 3);
    const bars = barsOf([10, 0], box);
    expect(bars.outline).toBe('M3 50V0H47V50');
    expect(lineOf(placesOf([{ x: 3, y: 1 }], box))).toBe('M0 45');
  });

  it('keeps the ends of what it thins', () => {
    const points = Array.from({ length: 1000 }, (_, i) => i);
    const few = thinned(points, 90);
    expect([few.length, few[0], few.at(-1)]).toEqual([90, 0, 999]);
    expect(thinned([1, 2], 90)).toEqual([1, 2]);
  });
});

describe('the newest headers', () => {
  const chainOf = (length: number, miner: number, before: readonly Header[] = []): Header[] => {
    const headers = [...before];
    while (headers.length < length) {
      const last = headers.at(-1);
      headers.push({
        version: 2,
        knows: 2,
        height: headers.length,
        time: headers.length * 1000,
        prevHash: last ? blockId(last) : ZERO_HASH,
        mmrRoot: ZERO_HASH,
        bodyRoot: ZERO_HASH,
        stateRoot: ZERO_HASH,
        miner: new Uint8Array(32).fill(miner),
        slip: 0,
        totalWork: 0n,
        nonce: 0n,
        model: 0,
        proofDigest: ZERO_HASH,
      });
    }
    return headers;
  };

  it('are asked for once, and all again after a deep reorganisation', async () => {
    let chain = chainOf(100, 1);
    const asked: number[] = [];
    const client = {
      headers: async (last: number, max: number) => {
        asked.push(max);
        return chain.slice(0, last + 1).slice(-max);
      },
    };
    const newest = new NewestHeaders();
    await newest.follow(client, 99);
    expect(newest.value).toEqual(chain);
    chain = chainOf(102, 1, chain);
    await newest.follow(client, 101);
    expect(newest.value).toEqual(chain);
    chain = chainOf(103, 2, chain.slice(0, 95));
    await newest.follow(client, 102);
    expect(newest.value).toEqual(chain);
    expect(asked).toEqual([1024, 18, 17]);
    chain = chainOf(104, 3, chain.slice(0, 50));
    await newest.follow(client, 103);
    expect(newest.value).toEqual(chain);
    expect(asked.slice(3)).toEqual([17, 1024]);
  });
});

it('hours without a unit between two with some are nothing, and the present one is last', () => {
  const at = (hour: number) => new Date(2026, 11, 2, hour).getTime();
  const counted = [
    { hour: '2026-12-01T23', units: 9 },
    { hour: '2026-12-02T01', units: 4 },
    { hour: '2026-12-02T03', units: 2 },
  ];
  expect(lastHours(counted, at(3) + 1_800_000, 4)).toEqual([
    { fromMs: at(0), units: 0 },
    { fromMs: at(1), units: 4 },
    { fromMs: at(2), units: 0 },
    { fromMs: at(3), units: 2 },
  ]);
});
