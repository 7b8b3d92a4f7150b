import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { Header, HeaderCore } from '../../src/core/formats.ts';
import {
  blockId,
  ChainPointRecord,
  expectedBits,
  extendPoint,
  genesisPoint,
  headerHash,
  verifyHeader,
  type ChainPoint,
} from '../../src/core/header/header.ts';
import { EMPTY_MMR, mmrAppend, mmrLeaf, mmrRoot } from '../../src/core/header/mmr.ts';
import type { Params } from '../../src/core/params.ts';
import { bitsFromTarget, targetFromBits, workOf } from '../../src/core/header/target.ts';
import { EMPTY_TREE } from '../../src/core/tree/tree.ts';
import { bytes32, child, childHeader, paramsOf } from './fixtures.ts';

const START = 1_800_000_000_000;
const main = paramsOf('main');
const local = paramsOf('local');

const grow = (params: Params, from: ChainPoint, gaps: number[]): ChainPoint[] => {
  const points = [from];
  for (const gap of gaps) {
    const parent = points.at(-1)!;
    const header = childHeader(params, parent, EMPTY_TREE, [], { time: parent.header.time + gap });
    points.push(extendPoint(params, parent, header));
  }
  return points;
};

test('sizes are those of the specification', () => {
  const { header } = genesisPoint(main, START);
  expect(encode(Header, header)).toHaveLength(311);
  expect(encode(HeaderCore, header)).toHaveLength(279);
});

describe('ids', () => {
  const base = childHeader(main, genesisPoint(main, START), EMPTY_TREE);
  test('every field is in the id; the proof digest is not in h', () => {
    const other = { ...base, proofDigest: bytes32(1) };
    expect(headerHash(other)).toEqual(headerHash(base));
    expect(blockId(other)).not.toEqual(blockId(base));
    const core = encode(HeaderCore, base);
    fc.assert(
      fc.property(fc.nat(core.length - 1), fc.integer({ min: 1, max: 255 }), (at, xor) => {
        const bytes = core.slice();
        bytes[at]! ^= xor;
        const changed = { ...decode(HeaderCore, bytes), proofDigest: base.proofDigest };
        expect(headerHash(changed)).not.toEqual(headerHash(base));
        expect(blockId(changed)).not.toEqual(blockId(base));
      }),
    );
  });
  test('genesis depends on network and time', () => {
    const ids = [main, local].flatMap((p) => [START, START + 1].map((t) => genesisPoint(p, t).id));
    expect(new Set(ids.map(String)).size).toBe(4);
  });
});

describe('rules', () => {
  const parent = grow(main, genesisPoint(main, START), [60_000, 61_000, 10_000]).at(-1)!;
  const good = childHeader(main, parent, EMPTY_TREE);
  const check = (fields: Partial<Header>, nowMs = good.time, params = main) =>
    verifyHeader(params, parent, { ...good, ...fields }, nowMs)?.fault;

  test('a good header', () => expect(check({})).toBeUndefined());

  const bad: [FaultCode, Partial<Header>][] = [
    ['header.version', { version: 2 }],
    ['header.parent-unknown', { prevHash: bytes32(1) }],
    ['header.height', { height: good.height + 1 }],
    ['header.mmr-root', { mmrRoot: bytes32(1) }],
    ['header.shares-root', { sharesRoot: bytes32(1) }],
    ['header.time-order', { time: parent.header.time }],
    ['header.time-future', { time: good.time + 120_001 }],
    ['header.bits', { bits: good.bits - 1 }],
    ['header.total-work', { totalWork: good.totalWork + 1n }],
    ['header.model', { modelId: bytes32(1) }],
  ];
  test.each(bad)('%s, and only that', (code, fields) => {
    expect(check(fields)).toBe(code);
    // Bits carry their work: with the rule on bits off, the work must still fit them.
    const work = fields.bits && parent.header.totalWork + workOf(targetFromBits(fields.bits)!);
    const rest = work ? { ...fields, totalWork: work } : fields;
    expect(check(rest, good.time, paramsOf('main', [code]))).toBeUndefined();
  });
  test('time at its bounds', () => {
    expect(check({ time: parent.header.time + 1 })).toBeUndefined();
    expect(check({ time: good.time + 120_000 })).toBeUndefined();
  });
  test('bits that are no target count no work and do not crash with their rule off', () => {
    const off = paramsOf('main', ['header.bits']);
    const fields = { bits: 0xffffffff, totalWork: parent.header.totalWork };
    expect(check(fields, good.time, off)).toBeUndefined();
  });
});

describe('difficulty', () => {
  const easiest = bitsFromTarget(main.targetMax);

  test('block 1 and a network in step keep the easiest target', () => {
    const points = grow(main, genesisPoint(main, START), Array(5).fill(60_000));
    for (const p of points) expect(p.header.bits).toBe(easiest);
    const late = grow(main, genesisPoint(main, START), [999_999_999]);
    expect(late[1]!.header.bits).toBe(easiest);
  });

  test('60 blocks in no time halve the target', () => {
    const points = grow(main, genesisPoint(main, START), Array(61).fill(1));
    const last = targetFromBits(expectedBits(main, points.at(-1)!, 0))!;
    const ratio = Number((targetFromBits(easiest)! * 1000n) / last);
    expect(ratio).toBeGreaterThanOrEqual(1998);
    expect(ratio).toBeLessThan(2025);
  });

  test('a child’s own time does not change its bits on main', () => {
    const parent = grow(main, genesisPoint(main, START), [1, 1, 1]).at(-1)!;
    const bits = (ms: number) => expectedBits(main, parent, parent.header.time + ms);
    expect(bits(1)).toBe(bits(10 ** 9));
  });

  test('local re-anchors after a gap over 20 blocks, not at 20', () => {
    const before = grow(local, genesisPoint(local, START), Array(30).fill(1)).at(-1)!;
    const hard = expectedBits(local, before, before.header.time + 100_000);
    expect(hard).not.toBe(easiest);
    const at = grow(local, before, [100_000]).at(-1)!;
    expect(at.anchor).toEqual(before.anchor);
    const [, after, next] = grow(local, before, [100_001, 5000]);
    expect(after!.header.bits).toBe(easiest);
    const parentTime = after!.header.time - 5000;
    expect(after!.anchor).toEqual({ height: after!.header.height, parentTime });
    expect(next!.header.bits).toBe(easiest);
    expect(next!.anchor).toEqual(after!.anchor);
  });
});

test('a point holds the range over all blocks, work included, and survives its record', () => {
  const points = grow(local, genesisPoint(local, START), [5000, 3000, 1, 1, 200_000, 7]);
  let mmr = EMPTY_MMR;
  for (const [i, p] of points.entries()) {
    if (i) expect(p.header.mmrRoot).toEqual(mmrRoot(mmr));
    mmr = mmrAppend(mmr, mmrLeaf(p.id, i ? workOf(targetFromBits(p.header.bits)!) : 0n));
    expect(mmrRoot(p.mmr)).toEqual(mmrRoot(mmr));
    expect(decode(ChainPointRecord, encode(ChainPointRecord, p))).toEqual(p);
    expect(p.mmr.peaks.reduce((sum, peak) => sum + peak.work, 0n)).toBe(p.header.totalWork);
  }
  expect(child(local, points.at(-1)!, EMPTY_TREE).header.height).toBe(7);
});
