/** The page's care: what it tells the engine, and when. */
import { expect, it } from 'vitest';
import { ANYWAY_MS } from '../../src/client/mining/work-policy.ts';
import { Care } from '../../src/ui/work/care/care.svelte.ts';

function create() {
  const clock = { ms: 0 };
  const told: number[] = [];
  const care = new Care(
    (duty) => void told.push(duty),
    () => clock.ms,
  );
  return { care, told, clock };
}

it('tells a duty when it changes, and now and then again', () => {
  const { care, told } = create();
  care.note({ type: 'intensity', percent: 100 });
  expect(told).toEqual([]);
  care.note({ type: 'intensity', percent: 25 });
  care.note({ type: 'intensity', percent: 25 });
  expect(told).toEqual([0.25]);
  for (let i = 0; i < 10; i++) care.tick();
  expect(told).toEqual([0.25, 0.25, 0.25]);
});

it('a hidden tab does not repeat itself: a visible one may know better', () => {
  const { care, told } = create();
  care.note({ type: 'visibility', hidden: true });
  for (let i = 0; i < 10; i++) care.tick();
  expect(told).toEqual([0.5]);
});

it('what a person allowed on battery runs out by itself', () => {
  const { care, told, clock } = create();
  care.note({ type: 'battery', charging: false, percent: 80 });
  expect(care.held).toBe(true);
  care.continueAnyway();
  expect(care.held).toBe(false);
  clock.ms = ANYWAY_MS;
  care.tick();
  expect(care.held).toBe(true);
  expect(told).toEqual([0, 1, 0]);
});
