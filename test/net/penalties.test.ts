import { expect, it } from 'vitest';
import { BAN_MS, FORGIVE_MS, Penalties, PENALTY_PEERS_MAX } from '../../src/net/penalties.ts';
import { RateLimiter } from '../../src/net/rate.ts';

it('bans at exactly 100, for a time, and then starts anew', () => {
  const p = new Penalties();
  expect(p.charge('a', 50, 0)).toBe(false);
  expect(p.charge('a', 49, 1)).toBe(false);
  expect(p.isBanned('a', 2)).toBe(false);
  expect(p.charge('a', 1, 2)).toBe(true);
  expect(p.isBanned('a', 1 + BAN_MS)).toBe(true);
  expect(p.isBanned('a', 2 + BAN_MS)).toBe(false);
  expect(p.charge('a', 20, 2 + BAN_MS)).toBe(false);
  expect(p.points('a', 2 + BAN_MS)).toBe(20);
  expect(p.points('b', 2)).toBe(0);
});

it('forgives one whole point per step, however often it is charged in between', () => {
  const p = new Penalties();
  p.charge('a', 10, 0);
  for (let i = 1; i <= 4; i++) p.charge('a', 1, (i * FORGIVE_MS) / 2);
  expect(p.points('a', 2 * FORGIVE_MS)).toBe(12);
  expect(p.points('a', 3 * FORGIVE_MS)).toBe(11);
  expect(p.points('a', 100 * FORGIVE_MS)).toBe(0);
});

it('remembers a bounded number of peers, the last ones', () => {
  const p = new Penalties();
  for (let i = 0; i <= PENALTY_PEERS_MAX; i++) p.charge(`p${i}`, 100, 0);
  expect(p.isBanned('p0', 1)).toBe(false);
  expect(p.isBanned('p1', 1)).toBe(true);
  expect(p.isBanned(`p${PENALTY_PEERS_MAX}`, 1)).toBe(true);
});

it('gives each peer its burst, then its rate; what is refused costs nothing', () => {
  const r = new RateLimiter({ perSecond: 10, burst: 5 });
  for (let i = 0; i < 5; i++) expect(r.take('a', 1, 0)).toBe(true);
  expect(r.take('a', 1, 0)).toBe(false);
  expect(r.take('b', 5, 0)).toBe(true);
  expect(r.take('a', 1, 99)).toBe(false);
  expect(r.take('a', 1, 100)).toBe(true);
  expect(r.take('a', 5, 10_000)).toBe(true);
  expect(r.take('a', 1, 10_000)).toBe(false);
});
