/**
 * The simulation itself: small networks keep every invariant, a seed gives one run, and each
 * invariant sees the fault that it is for. `npm run sim` runs the large ones.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** In a process of its own, whose clock is the simulation's. */
function sim(...args: string[]): Promise<{ code: number | null; out: string }> {
  const small = ['--clients', '10', '--seconds', '100'];
  const file = join(import.meta.dirname, 'sim.ts');
  const child = spawn(process.execPath, [file, ...small, ...args]);
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (out += data));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

test('every invariant holds, and one seed gives one run', { timeout: 300_000 }, async () => {
  const [once, again] = await Promise.all([
    sim('--seeds', '1..3'),
    sim('--seeds', '1..2', '--jobs', '2'),
  ]);
  expect(once.out).toContain('3 passed, 0 failed');
  expect(once.code).toBe(0);
  // Three seeds, one of each kind; nothing holds of what never happened.
  for (const what of ['usual', 'rush', 'nights', 'payments', 'channels closed', 'liars banned'])
    expect(once.out).toMatch(new RegExp(`^  ${what}: [1-9]`, 'm'));
  const traces = ({ out }: { out: string }) => out.match(/trace \w{16}/g)!;
  expect(traces(again).sort()).toEqual(traces(once).slice(0, 2).sort());
  expect(new Set(traces(once)).size).toBe(3);
});

describe('a broken rule is seen', () => {
  // Each from a seed that shows it, lest those before take their time for nothing.
  test.each([
    ['no-work-rule', 'valid', 4],
    ['free-coins', 'coins', 1],
    ['harsh', 'bans', 3],
    ['lost-outbox', 'payments', 1],
    ['no-redial', 'one-chain', 1],
  ])('%s: %s', { timeout: 300_000 }, async (mutation, invariant, from) => {
    const { code, out } = await sim('--seeds', `${from}..40`, '--bail', '--mutate', mutation);
    expect(out).toContain(`invariant '${invariant}'`);
    expect(out).toMatch(/again: npm run sim -- --seed \d+ .*--mutate/);
    expect(code).toBe(1);
  });
});
