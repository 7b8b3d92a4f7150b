/** The policy that keeps a computer usable, fed with what sensors could say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ANYWAY_MS,
  INTENSITIES,
  POLICY_START,
  PRESSURES,
  sense,
  verdictOf,
  type Sensed,
} from '../../../src/client/mining/work-policy.ts';

/** The verdict after events, a second apart from 0 ms on. */
const after = (...events: Sensed[]) => {
  const state = events.reduce((s, event, i) => sense(s, event, 1000 * i), POLICY_START);
  return verdictOf(state, 1000 * events.length);
};
const battery = (charging: boolean, percent: number): Sensed => ({
  type: 'battery',
  charging,
  percent,
});
const frames = (late: number): Sensed => ({ type: 'frames', shown: 60, late });
const times = (n: number, event: Sensed): Sensed[] => Array.from({ length: n }, () => event);

describe('intensity', () => {
  it('is the duty when nothing else is the matter', () => {
    expect(after()).toEqual({ duty: 1, reason: undefined });
    for (const percent of INTENSITIES)
      expect(after({ type: 'intensity', percent })).toEqual({
        duty: percent / 100,
        reason: undefined,
      });
  });
});

describe('battery', () => {
  const held = { duty: 0, reason: 'battery' };
  const free = { duty: 1, reason: undefined };

  it('holds the work on discharge, until it charges and has five points more', () => {
    expect(after(battery(true, 60))).toEqual(free);
    expect(after(battery(false, 60))).toEqual(held);
    expect(after(battery(false, 60), battery(true, 60))).toEqual(held);
    expect(after(battery(false, 60), battery(true, 64))).toEqual(held);
    expect(after(battery(false, 60), battery(true, 65))).toEqual(free);
    // From the lowest charge that was seen.
    expect(after(battery(false, 60), battery(false, 50), battery(true, 55))).toEqual(free);
    // Discharging again, however high, holds again.
    expect(after(battery(false, 60), battery(true, 65), battery(false, 65))).toEqual(held);
  });

  it('is content with a full one', () => {
    expect(after(battery(false, 98), battery(true, 99))).toEqual(held);
    expect(after(battery(false, 98), battery(true, 100))).toEqual(free);
  });

  it('is not minded for 30 minutes when a person says so', () => {
    const state = [battery(false, 60), { type: 'anyway' } as const].reduce(
      (s, event) => sense(s, event, 0),
      POLICY_START,
    );
    expect(verdictOf(state, ANYWAY_MS - 1)).toEqual(free);
    expect(verdictOf(state, ANYWAY_MS)).toEqual(held);
  });
});

describe('frames', () => {
  it('that come late halve the duty, down to a quarter of what was chosen', () => {
    expect(after(frames(6)).reason).toBeUndefined();
    expect(after(frames(7))).toEqual({ duty: 0.5, reason: 'frames' });
    expect(after(...times(9, frames(60)))).toEqual({ duty: 0.25, reason: 'frames' });
    expect(after({ type: 'intensity', percent: 50 }, frames(60)).duty).toBe(0.25);
  });

  it('that come in time give it back, step by step', () => {
    const slow = times(2, frames(60));
    expect(after(...slow, ...times(4, frames(0))).duty).toBe(0.25);
    expect(after(...slow, ...times(5, frames(0))).duty).toBe(0.5);
    expect(after(...slow, ...times(4, frames(0)), frames(60), ...times(4, frames(0))).duty).toBe(
      0.25,
    );
    expect(after(...slow, ...times(10, frames(0)))).toEqual({ duty: 1, reason: undefined });
  });

  it('say nothing when they are few', () => {
    expect(after({ type: 'frames', shown: 7, late: 7 }).duty).toBe(1);
  });
});

it('pressure slows, and does not hold', () => {
  const duties = PRESSURES.map((pressure) => after({ type: 'pressure', pressure }));
  expect(duties.map(({ duty }) => duty)).toEqual([1, 1, 0.5, 0.25]);
  expect(duties.map(({ reason }) => reason)).toEqual([
    ...[undefined, undefined, 'pressure', 'pressure'],
  ]);
});

it('a hidden tab takes half of the time at most', () => {
  const hidden: Sensed = { type: 'visibility', hidden: true };
  expect(after(hidden)).toEqual({ duty: 0.5, reason: 'hidden' });
  expect(after(hidden, { type: 'intensity', percent: 25 })).toEqual({
    duty: 0.25,
    reason: undefined,
  });
  expect(after(hidden, { type: 'visibility', hidden: false }).duty).toBe(1);
});

it('somebody who wants work only when they are away holds it, but where they say otherwise', () => {
  const here: Sensed = { type: 'presence', here: true };
  const held = { duty: 0, reason: 'presence' };
  expect(after(here)).toEqual(held);
  for (const gone of [false, undefined])
    expect(after(here, { type: 'presence', here: gone })).toEqual({ duty: 1, reason: undefined });
  expect(after(here, battery(false, 60)).reason).toBe('battery');
  const said = sense(sense(POLICY_START, here, 0), { type: 'anyway' }, 0);
  expect(verdictOf(said, ANYWAY_MS - 1).duty).toBe(1);
  expect(verdictOf(said, ANYWAY_MS)).toEqual(held);
});

it('never works more than was chosen, says why it works less, and is free in calm', () => {
  const event = fc.oneof<fc.Arbitrary<Sensed>[]>(
    fc.constantFrom(...INTENSITIES).map((percent) => ({ type: 'intensity', percent })),
    fc.record({ type: fc.constant('frames'), shown: fc.nat(60), late: fc.nat(60) }),
    fc.record({
      type: fc.constant('battery'),
      charging: fc.boolean(),
      percent: fc.nat(100),
    }),
    fc.constantFrom(...PRESSURES).map((pressure) => ({ type: 'pressure', pressure })),
    fc.boolean().map((hidden) => ({ type: 'visibility', hidden })),
    fc.constantFrom(true, false, undefined).map((here) => ({ type: 'presence', here })),
    fc.constant({ type: 'anyway' }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const state = events.reduce((s, e, i) => sense(s, e, 1000 * i), POLICY_START);
      const { duty, reason } = verdictOf(state, 1000 * events.length);
      const chosen = state.intensity / 100;
      expect(duty).toBeGreaterThanOrEqual(0);
      expect(duty).toBeLessThanOrEqual(chosen);
      expect(reason !== undefined).toBe(
        duty < chosen || state.pressure === 'serious' || state.pressure === 'critical',
      );
      expect(reason === 'battery' || reason === 'presence').toBe(duty === 0);
      const calm: Sensed[] = [
        battery(true, 100),
        { type: 'pressure', pressure: 'nominal' },
        { type: 'visibility', hidden: false },
        { type: 'presence', here: false },
        ...times(10, frames(0)),
      ];
      const rested = calm.reduce((s, e) => sense(s, e, 1e9), state);
      expect(verdictOf(rested, 1e9)).toEqual({ duty: chosen, reason: undefined });
    }),
  );
});
