/** The head's logits against plain multiplication, for every number of rows and at the ends of int8 and int16. */
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/core/manifest.ts';
import { createHead, HEAD_ROWS_MAX } from '../../../src/miner/generator/head.ts';
import { randomBytes } from '../../oracle/random.ts';

const manifestOf = (vocabulary: number, answerSize: number, width = 1): Manifest =>
  ({ vocabulary, answerSize, tables: [{ width: answerSize }, { width }] }) as unknown as Manifest;
const HEAD = { rows: 0, multipliers: 1, column: 0 };

const within = (seed: string, size: number, most: number): Int8Array =>
  Int8Array.from(randomBytes(seed, size), (byte) => (byte % (2 * most + 1)) - most);
const bytesOf = (values: Int8Array | Int16Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function naive(rows: Int8Array, multipliers: Int16Array, answer: Int8Array): number[] {
  const k = answer.length;
  return Array.from(multipliers, (m, v) => {
    const sum = answer.reduce((s, y, i) => s + BigInt(y) * BigInt(rows[v * k + i]!), 0n);
    return Number(BigInt(m) * sum);
  });
}

describe('logits', () => {
  // 517 tokens: no multiple of the kernel's columns.
  const [V, k] = [517, 192];
  const rows = within('rows', V * k, 63);
  const columns = new Int16Array(randomBytes('multipliers', 2 * 3 * V).buffer);
  const head = createHead(manifestOf(V, k, 3), { head: { ...HEAD, column: 2 } }, [
    bytesOf(rows),
    bytesOf(columns),
  ]);
  const multipliers = Int16Array.from({ length: V }, (_, v) => columns[3 * v + 2]!);

  it.each([1, 2, 3, 4, 5, 7, 8, 13, 16])('of %d rows', async (m) => {
    const answer = within(`answer ${m}`, m * k, 127);
    const found: number[][] = [];
    await (
      await head
    ).each(answer, (logits, row) => {
      found[row] = Array.from(logits, (x) => x + 0);
    });
    const expected = Array.from({ length: m }, (_, row) =>
      naive(rows, multipliers, answer.subarray(row * k, (row + 1) * k)),
    );
    expect(found).toEqual(expected);
  });

  it('let the event loop run between two rows', async () => {
    const answer = within('answer', 16 * k, 127);
    let [turns, isOver] = [0, false];
    const turn = (): void => {
      turns++;
      if (!isOver) setTimeout(turn);
    };
    setTimeout(turn);
    await (
      await head
    ).each(answer, () => {
      // A choice takes long.
      for (const until = performance.now() + 12; performance.now() < until;);
    });
    isOver = true;
    expect(turns).toBeGreaterThan(2);
  });

  it('of more rows than fit are refused', async () => {
    const answer = new Int8Array((HEAD_ROWS_MAX + 1) * k);
    await expect((await head).each(answer, () => undefined)).rejects.toThrow('17 rows');
  });

  it.each([
    [63, 127, 32_767],
    [-63, 127, 32_767],
    [63, -127, -32_768],
    [-63, -127, -32_768],
  ])('at the ends: rows %d, answer %d, multiplier %d', async (row, y, multiplier) => {
    const k = 8192;
    const tables = [
      bytesOf(new Int8Array(16 * k).fill(row)),
      bytesOf(new Int16Array(16).fill(multiplier)),
    ];
    const own = await createHead(manifestOf(16, k), { head: HEAD }, tables);
    const seen: number[] = [];
    await own.each(new Int8Array(k).fill(y), (logits) => seen.push(...logits));
    expect(seen).toEqual(Array.from({ length: 16 }, () => multiplier * row * y * k));
    expect(Math.abs(seen[0]!)).toBeLessThan(2 ** 41);
  });

  it.each([64, -64, 127, -128])('of a row that holds %d are refused', async (odd) => {
    const table = bytesOf(new Int8Array(16 * 64)).fill(odd, 700, 701);
    const head = createHead(manifestOf(16, 64), { head: HEAD }, [table, new Uint8Array(32)]);
    await expect(head).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });
});
