import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseRival,
  DEEP_FORK,
  isFarBehind,
  replaces,
  type HeadTip,
} from '../../../src/core/header/fork-choice.ts';

/** A block of nothing but its work. */
interface Block {
  readonly height: number;
  readonly work: bigint;
  readonly totalWork: bigint;
  readonly parent: Block | undefined;
}

const genesis: Block = { height: 0, work: 0n, totalWork: 0n, parent: undefined };
const child = (parent: Block, work: bigint): Block => ({
  height: parent.height + 1,
  work,
  totalWork: parent.totalWork + work,
  parent,
});

function* back(from: Block): Generator<Block, void> {
  for (let at: Block | undefined = from; at; at = at.parent) yield at;
}

/** A client that is told blocks, each after its parent, and looks at every branch that it knows. */
class Node {
  head = genesis;
  readonly #known = new Set([genesis]);

  #headTip(): HeadTip {
    const newest = [...back(this.head)].slice(0, 128).filter(({ height }) => height > 0);
    const work = newest.reduce((sum, block) => sum + block.work, 0n);
    return { ...this.head, newest: { blocks: newest.length, work } };
  }

  hear(block: Block): void {
    this.#known.add(block);
    for (;;) {
      const own = new Set(back(this.head));
      const parents = new Set([...this.#known].map(({ parent }) => parent));
      const rivals = [...this.#known]
        .filter((tip) => !parents.has(tip) && tip !== this.head)
        .map((tip) => {
          const fork = [...back(tip)].find((at) => own.has(at))!;
          return { tip, depth: this.head.height - fork.height };
        });
      const chosen = chooseRival(this.#headTip(), rivals);
      if (!chosen) return;
      // The head's work only rises, so that no two branches can take turns.
      expect(chosen.tip.totalWork).toBeGreaterThan(this.head.totalWork);
      this.head = chosen.tip;
    }
  }
}

/** Blocks on blocks before them, of works that differ as dates, pauses and visitors make them. */
const trees = fc
  .array(fc.tuple(fc.nat({ max: 1000 }), fc.bigInt({ min: 1n, max: 60n })), {
    minLength: 1,
    maxLength: 24,
  })
  .map((rows) => {
    const blocks: Block[] = [];
    // Mostly near the newest, as miners build.
    for (const [back, work] of rows) {
      const at = blocks.length - 1 - (back % 4);
      blocks.push(child(at < 0 ? genesis : blocks[at]!, work));
    }
    return blocks;
  });

/** Any order of the blocks in which each comes after its parent. */
const orderOf = (blocks: readonly Block[], picks: readonly number[]): Block[] => {
  const order: Block[] = [];
  const waiting = new Set(blocks);
  for (let i = 0; waiting.size; i++) {
    const ready = [...waiting].filter(({ parent }) => !waiting.has(parent!));
    const next = ready[(picks[i % picks.length] ?? 0) % ready.length]!;
    waiting.delete(next);
    order.push(next);
  }
  return order;
};
const picks = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 24 });

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

test('who saw the same blocks in another order is at most half of the lighter tip apart', () => {
  fc.assert(
    fc.property(trees, picks, picks, (blocks, one, other) => {
      const [a, b] = [new Node(), new Node()];
      for (const block of orderOf(blocks, one)) a.hear(block);
      for (const block of orderOf(blocks, other)) b.hear(block);
      const apart =
        most(a.head.totalWork, b.head.totalWork) - least(a.head.totalWork, b.head.totalWork);
      if (a.head !== b.head)
        expect(2n * apart).toBeLessThanOrEqual(least(a.head.work, b.head.work));
    }),
    { numRuns: 500 },
  );
});

test('two that are apart agree after two more blocks that are no lighter, on whichever side they come', () => {
  fc.assert(
    fc.property(trees, picks, picks, fc.boolean(), (blocks, one, other, isOnA) => {
      const [a, b] = [new Node(), new Node()];
      for (const block of orderOf(blocks, one)) a.hear(block);
      for (const block of orderOf(blocks, other)) b.hear(block);
      const work = most(a.head.work, b.head.work);
      const first = child(isOnA ? a.head : b.head, work);
      const second = child(first, work);
      for (const block of [first, second]) for (const node of [a, b]) node.hear(block);
      expect(a.head).toBe(second);
      expect(b.head).toBe(second);
    }),
    { numRuns: 500 },
  );
});

const headOf = (totalWork: bigint, work: bigint, mean = work): HeadTip => ({
  totalWork,
  work,
  newest: { blocks: 128, work: 128n * mean },
});
const rival = (totalWork: bigint, work: bigint, depth = 1) => ({ tip: { totalWork, work }, depth });

describe('replaces', () => {
  test('what extends the head, whatever a pause left of its work', () => {
    expect(replaces(headOf(1000n, 100n), rival(1001n, 1n, 0))).toBe(true);
  });

  test('what leads by more than half of the lighter tip, as fractions say too', () => {
    const works = fc.bigInt({ min: 1n, max: 1n << 80n });
    fc.assert(
      fc.property(works, works, fc.bigInt({ min: -8n, max: 8n }), (own, others, off) => {
        const lighter = least(own, others);
        const head = headOf(1n << 90n, own);
        // Half of an odd work lies between two whole numbers.
        const lead = lighter / 2n + off;
        expect(replaces(head, rival(head.totalWork + lead, others))).toBe(off > 0n);
      }),
    );
  });

  test('no sibling that is only dated earlier', () => {
    // A minute earlier is half a percent on a half-life of 144 minutes.
    expect(replaces(headOf(100_000n, 1000n), rival(100_005n, 1005n))).toBe(false);
    expect(replaces(headOf(100_005n, 1005n), rival(100_000n, 1000n))).toBe(false);
  });

  test('a heavy head that many light blocks outweigh, as one that a visitor left', () => {
    // B' of 99 without a child; its sibling A of 99 with 49 blocks of 1 above it.
    expect(replaces(headOf(1099n, 99n), rival(1148n, 1n, 1))).toBe(true);
  });

  test("deep forks by 60 mean blocks of the head's newest 128 alone, others by half of one", () => {
    const head = headOf(1_000_000n, 100n);
    for (const [lead, depth, expected] of [
      [51n, DEEP_FORK, true],
      [51n, DEEP_FORK + 1, false],
      [6_000n, DEEP_FORK + 1, false],
      [6_001n, DEEP_FORK + 1, true],
    ] as const)
      expect([lead, depth, replaces(head, rival(head.totalWork + lead, 100n, depth))]).toEqual([
        lead,
        depth,
        expected,
      ]);
  });
});

test('who has no head takes the most work, of equal branches the first', () => {
  const none: HeadTip = { totalWork: 0n, work: 0n, newest: { blocks: 0, work: 0n } };
  const [light, heavy, same] = [rival(10n, 1n, 0), rival(11n, 1n, 0), rival(11n, 9n, 0)];
  expect(chooseRival(none, [light, heavy, same])).toBe(heavy);
});

test('a branch is far behind below what the head had 16 blocks ago', () => {
  expect(isFarBehind(99n, 100n)).toBe(true);
  expect(isFarBehind(100n, 100n)).toBe(false);
  expect(isFarBehind(0n, 0n)).toBe(false);
});
