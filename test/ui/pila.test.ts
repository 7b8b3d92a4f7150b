import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MinerState, MissingModel } from '../../src/client/api.ts';
import { edgeOf, outlineOf, shadeOf } from '../../src/ui/work/disc.ts';
import {
  COLUMN,
  countOf,
  noteBlocks,
  paidOf,
  pileOf,
  setAside,
  SHELF_MAX,
} from '../../src/ui/work/pile.ts';
import { qrPath } from '../../src/ui/wallet/qr.ts';
import { locationOf } from '../../src/ui/route.svelte.ts';
import { controlsOf, isMeasuring, sentenceOf } from '../../src/ui/work/sentence.ts';
import { sameOrigin } from '../../src/ui/trusted.ts';
import { CHAIN } from './memory-engine.ts';

const STATES: MinerState[] = [
  'off',
  'loading',
  'testing',
  'running',
  'finishing',
  'paused',
  'failed',
];

describe('the sentence', () => {
  it('tells peers and chain before the device', () => {
    const running = { state: 'running', backend: 'webgpu' } as const;
    expect(sentenceOf(running, CHAIN).key).toBe('runningGpu');
    expect(sentenceOf({ ...running, backend: 'cpu' }, CHAIN).key).toBe('runningCpu');
    expect(sentenceOf(running, CHAIN, { held: true })).toEqual({ key: 'held', tone: 'wait' });
    const waits = (missing: readonly MissingModel[], uncheckedMs: number | undefined) =>
      sentenceOf(running, CHAIN, { holding: { missing, uncheckedMs } }).key;
    const missing = [{ name: 'polyglot', bytes: 1 }];
    expect([waits(missing, 0), waits([], 0)]).toEqual(['needsModel', 'checksBlocks']);
    expect([waits(missing, 1), waits([], undefined)]).toEqual(['runningGpu', 'runningGpu']);
    expect(sentenceOf(running, { ...CHAIN, peers: [] }).key).toBe('noPeers');
    expect(sentenceOf(running, { ...CHAIN, sync: 'syncing' }).key).toBe('syncing');
  });

  it('says at once that the button was pressed', () => {
    expect(
      sentenceOf({ state: 'off', backend: undefined }, undefined, { starting: true }).key,
    ).toBe('starting');
    expect(sentenceOf({ state: 'failed', backend: undefined }, undefined).tone).toBe('bad');
  });

  it('a rate is unknown until the first unit, and 0 where nothing works', () => {
    const off = STATES.filter((state) => !isMeasuring({ state, macsPerSecond: 0 }, false));
    expect(off).toEqual(['off', 'paused', 'failed']);
    expect(isMeasuring({ state: 'running', macsPerSecond: 0 }, true)).toBe(false);
    expect(isMeasuring({ state: 'running', macsPerSecond: 1 }, false)).toBe(false);
  });

  it('there is always a way to start or to stop', () => {
    for (const state of STATES) {
      const controls = controlsOf(state);
      expect(controls.pause !== (controls.start !== undefined), state).toBe(true);
    }
  });
});

describe('the pile', () => {
  it('shows every unit until the shelf is full', () => {
    fc.assert(
      fc.property(fc.nat({ max: COLUMN * (SHELF_MAX + 1) }), (units) => {
        const { standing, shelved } = pileOf(units, 0, 0);
        expect(standing + shelved * COLUMN).toBe(units);
        expect(standing).toBeLessThanOrEqual(COLUMN);
        expect(standing > 0).toBe(units > 0);
      }),
    );
    expect(pileOf(1e9, 0, 1e9)).toMatchObject({ shelved: SHELF_MAX, rejected: 5 });
  });

  it('is sealed from below, up to the last unit that is paid', () => {
    expect(pileOf(7, 5, 0)).toMatchObject({ standing: 7, sealed: 5, shelvedSealed: 0 });
    expect(pileOf(30, 24, 0)).toMatchObject({ standing: 6, sealed: 0, shelvedSealed: 2 });
    expect(pileOf(30, 23, 0)).toMatchObject({ shelved: 2, shelvedSealed: 1 });
    expect(pileOf(30, 27, 0)).toMatchObject({ sealed: 3, shelvedSealed: 2 });
    const many = COLUMN * (SHELF_MAX + 10);
    expect(pileOf(many, many, 0)).toMatchObject({ sealed: 12, shelvedSealed: SHELF_MAX });
    expect(pileOf(many, COLUMN * 5, 0)).toMatchObject({ sealed: 0, shelvedSealed: 0 });
  });

  it('a block of ours in the chain seals, until a reorganisation takes it out', () => {
    const [mine, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const at = (height: number, miner: Uint8Array) => ({ height, miner, time: height * 1000 });
    const read = (units: number) => ({ mine, sinceMs: 10_000, units });
    let own = noteBlocks(new Map(), [at(9, mine), at(10, other), at(11, mine)], read(4));
    expect([...own]).toEqual([[11, 4]]);
    own = noteBlocks(own, [at(11, mine), at(12, other)], read(6));
    expect(paidOf(own)).toBe(4);
    own = noteBlocks(own, [at(12, other), at(13, mine)], read(8));
    expect(paidOf(own)).toBe(8);
    own = noteBlocks(own, [at(11, mine), at(12, other), at(13, other)], read(9));
    expect(paidOf(own)).toBe(4);
    expect(paidOf(noteBlocks(own, [], read(9)))).toBe(4);
  });

  it('a device that was set aside is no lost unit', () => {
    const reasons = { stale: 2, 'gpu: NO_WEBGPU': 1, recheck: 0 };
    expect(countOf(reasons)).toBe(2);
    expect(setAside(reasons)).toBe('NO_WEBGPU');
    expect(setAside({ stale: 1 })).toBeUndefined();
  });

  it('is drawn inside its disc', () => {
    const disc = { rx: 64, ry: 10, h: 8 };
    expect(outlineOf(disc)).toBe('M-64 0A64 10 0 0 1 64 0V8A64 10 0 0 1 -64 8Z');
    expect(edgeOf(disc)).toBe('M-64 0A64 10 0 0 0 64 0');
    const points = [...shadeOf(disc).matchAll(/M(\S+) (\S+)v/g)];
    expect(points.length).toBeGreaterThan(8);
    for (const [, x, y] of points)
      expect((+x! / 64) ** 2 + ((+y! - 0.8) / 10) ** 2).toBeCloseTo(1, 2);
  });
});

it('a QR code has its three finders and a quiet zone of four modules', () => {
  const { side, path } = qrPath('rpila1xxhd8n04eexfttxd6syyzspna06gr4x9aanrsv75hczl4eehvygs2gwfaw');
  const dark = new Set(path.match(/M\d+ \d+/g));
  for (const [x, y] of [
    [4, 4],
    [side - 11, 4],
    [4, side - 11],
  ] as const)
    for (let i = 0; i < 7; i++) expect(dark.has(`M${x + i} ${y}`)).toBe(true);
  for (let i = 0; i < side; i++) expect(dark.has(`M${i} 3`) || dark.has(`M3 ${i}`)).toBe(false);
});

it('unknown fragments lead to the pile', () => {
  expect(
    ['', '#/', '#/wallet', '#/settings', '#/pila', '#/__proto__'].map((f) => locationOf(f).place),
  ).toEqual(['pila', 'pila', 'wallet', 'settings', 'pila', 'pila']);
});

it('only our own origin may give scripts', () => {
  const base = 'https://pila.example/app/';
  expect(sameOrigin('./assets/x.js', base)).toBe('./assets/x.js');
  for (const url of [
    'https://evil.example/x.js',
    '//evil.example/x.js',
    'data:text/javascript,1',
    'blob:null/1',
  ])
    expect(() => sameOrigin(url, base), url).toThrow(TypeError);
});
