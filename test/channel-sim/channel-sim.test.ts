/** The simulation of channels itself: seeds hold, one seed gives one run, and each rule left out costs somebody. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WITHOUT } from './rules.ts';
import { simulate } from './world.ts';

/** In a process of its own, which keeps signatures that it has made. */
function sim(...args: string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'channel-sim.ts'), ...args]);
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (out += data));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

describe('channels', () => {
  it('keep the coins, and cost an honest end one step at most', { timeout: 180_000 }, async () => {
    const { code, out } = await sim('--seeds', '1..20');
    expect(out).toContain('20 seeds, conserved, most lost by an honest party 1 step');
    expect(out).toContain(' 0 honest providers called liars');
    expect(code).toBe(0);
    // It is no simulation where nothing happens.
    const [answers, honest, deaths, reorganisations, lies] = out.match(/\d+(?= )/g)!.map(Number);
    for (const count of [answers, honest, deaths, reorganisations, lies])
      expect(count).toBeGreaterThan(3);
  });

  it('run the same way for the same seed', { timeout: 180_000 }, () => {
    const outcome = simulate(2);
    expect(simulate(2)).toEqual(outcome);
    expect(simulate(3)).not.toEqual({ ...outcome, seed: 3 });
  });
});

describe('the plain ledger', () => {
  const off = { 'tx.close-voucher': 'close-twice', 'tx.close-unknown': 'close-early' };
  it.each(Object.entries(off))(
    'sees that %s is left out',
    { timeout: 180_000 },
    async (rule, liar) => {
      const { code, out } = await sim(
        '--off',
        rule,
        '--providers',
        liar,
        '--bail',
        '--seeds',
        '1..60',
      );
      expect(out).toContain('not conserved (seed');
      expect(code).toBe(1);
    },
  );
});

describe('a rule left out costs an honest end more than a step', () => {
  const liars: Record<keyof typeof WITHOUT, string[]> = {
    credit: ['--askers', 'leave'],
    depth: ['--askers', 'double-spend'],
    ending: [],
    verify: ['--askers', 'forge'],
    store: [],
    'own-count': ['--providers', 'overcharge'],
  };
  it.each(Object.entries(liars))('%s', { timeout: 180_000 }, async (rule, kinds) => {
    const { code, out } = await sim('--without', rule, ...kinds, '--bail', '--seeds', '1..60');
    expect(out).toMatch(/most lost by an honest party \d+ steps/);
    expect(code).toBe(1);
  });
});
