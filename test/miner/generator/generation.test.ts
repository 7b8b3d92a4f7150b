/** generation.json: what is read of it, and hostile files, each refused with the place that is wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainHash } from '../../../src/core/hash.ts';
import { KIND, type Manifest } from '../../../src/core/manifest.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import {
  parseGeneration,
  readGeneration,
  TEMPLATE_CHARS_MAX,
} from '../../../src/miner/generator/generation.ts';
import { GENERATION_BYTES_MAX } from '../../../src/miner/package/package.ts';

const GOOD = {
  version: 1,
  prefix: [1],
  stops: [2, 0],
  perNat: 500_000_000,
  head: { rows: 0, multipliers: 1, column: 0 },
  template: '{% for m in messages %}{{ m.content }}{% endfor %}',
  defaults: { temperature: 179, topK: 0, topP: 58_982, penalty: 282, maxTokens: 512 },
  context: 64,
};
const bytesOf = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

const table = { low: -63, high: 63, hash: new Uint8Array(32), size: 0 };
const manifestOf = (file: Uint8Array, change: Partial<Manifest> = {}): Manifest =>
  ({
    name: 'small',
    kind: KIND.generator,
    vocabulary: 300,
    answerSize: 128,
    shapes: [{ tokens: 32 }, { tokens: 64 }],
    tables: [
      { ...table, width: 128, wide: 1 },
      { ...table, width: 1, wide: 2, low: 0, high: 32_767 },
    ],
    template: { hash: plainHash(file), size: file.length },
    ...change,
  }) as unknown as Manifest;

/** A copy of the good file in which one place holds something else. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(GOOD) as unknown as Record<string, Record<string, unknown>>;
  const [first, second] = path.split('.') as [string, string?];
  if (second === undefined) (copy as Record<string, unknown>)[first] = value;
  else copy[first]![second] = value;
  return copy;
}

describe('generation.json', () => {
  it('is read as it is', () => {
    const file = bytesOf(GOOD);
    expect(readGeneration(manifestOf(file), file)).toEqual(GOOD);
  });

  const tokens = (count: number) => Array.from({ length: count }, (_, i) => i);
  it.each([
    ['prefix', tokens(17)],
    ['prefix', [-1]],
    ['prefix', [1, 1]],
    ['prefix', 'one'],
    ['prefix', [[1]]],
    ['stops', []],
    ['stops', tokens(17)],
    ['stops', [2 ** 18]],
    ['stops', [1.5]],
    ['stops', { 0: 1, length: 1 }],
    ['perNat', 0],
    ['perNat', 2 ** 32 + 1],
    ['perNat', '5'],
    ['perNat', null],
    ['context', 1],
    ['context', 65_536],
    ['head', [0, 1, 0]],
    ['head.rows', 4],
    ['head.multipliers', -1],
    ['head.column', 0.5],
    ['head.more', 1],
    ['template', 5],
    ['template', 'x'.repeat(TEMPLATE_CHARS_MAX + 1)],
    ['defaults', null],
    ['defaults.temperature', 1025],
    ['defaults.topK', undefined],
    ['defaults.topP', 0],
    ['defaults.penalty', 255],
    ['defaults.maxTokens', 0],
    ['defaults.seed', 1],
    ['more', 1],
    ['version', '1'],
  ])('is refused with %s %j', (path, value) => {
    const code = path === 'version' ? /version/ : new RegExp(path.split('.').at(-1)!);
    let error: unknown;
    try {
      parseGeneration(bytesOf(changed(path, value)));
    } catch (e) {
      error = e;
    }
    expect(error).toMatchObject({ code: 'MODEL_CORRUPT' });
    expect((error as Error).message).toMatch(code);
  });

  it('of another version says so, whatever else it holds', () => {
    const refused = { code: 'MODEL_REFUSED', message: 'generation.json is of version 2' };
    expect(() => parseGeneration(bytesOf({ version: 2, other: [] }))).toThrow(
      expect.objectContaining(refused) as Error,
    );
  });

  it.each([
    ['text', 'hello'],
    ['nothing', ''],
    ['NaN', JSON.stringify(GOOD).replace('500000000', 'NaN')],
    ['an infinite number', JSON.stringify(GOOD).replace('500000000', '1e999')],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '7'],
    ['a prototype', `{"__proto__":${JSON.stringify(GOOD)}}`],
    ['brackets to its end', '['.repeat(GENERATION_BYTES_MAX)],
    ['objects to its end', '{"a":'.repeat(GENERATION_BYTES_MAX / 5)],
    ['one byte too many', JSON.stringify(GOOD).padEnd(GENERATION_BYTES_MAX + 1)],
  ])('of %s is refused', (_, text) => {
    const corrupt = expect.objectContaining({ code: 'MODEL_CORRUPT' }) as Error;
    expect(() => parseGeneration(utf8(text))).toThrow(corrupt);
  });

  it('of no text is refused', () => {
    const corrupt = expect.objectContaining({ code: 'MODEL_CORRUPT' }) as Error;
    expect(() => parseGeneration(bytesOf(GOOD).with(3, 0xff))).toThrow(corrupt);
  });

  it('of any JSON is read or refused with a code', () => {
    const keys = Object.keys(GOOD) as (keyof typeof GOOD)[];
    const property = fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
      try {
        parseGeneration(bytesOf(changed(key, value)));
      } catch (e) {
        expect(e).toBeInstanceOf(AppError);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('of another model, or changed, is refused', () => {
    const file = bytesOf(GOOD);
    const m = manifestOf(file);
    const corrupt = expect.objectContaining({ code: 'MODEL_CORRUPT' }) as Error;
    expect(() => readGeneration(m, bytesOf(changed('context', 63)))).toThrow(corrupt);
    expect(() => readGeneration(m, file.subarray(1))).toThrow(corrupt);
    expect(() => readGeneration(m, bytesOf({ ...GOOD, context: 63 }))).toThrow(corrupt);
  });

  it.each<[string, unknown, Partial<Manifest>]>([
    ['token 300', changed('stops', [300]), {}],
    ['token 300', changed('prefix', [300]), {}],
    ['context of 65', changed('context', 65), {}],
    ['2 tables', changed('head.rows', 2), {}],
    ['2 tables', changed('head.multipliers', 3), {}],
    ['rows', changed('head.rows', 1), {}],
    ['multipliers', changed('head.column', 1), {}],
    ['multipliers', changed('head.multipliers', 0), {}],
    [
      'rows of 120',
      GOOD,
      {
        answerSize: 120,
        tables: [
          { ...table, width: 120, wide: 1 },
          { ...table, width: 1, wide: 2 },
        ],
      },
    ],
    [
      'rows of 8208',
      GOOD,
      {
        answerSize: 8208,
        tables: [
          { ...table, width: 8208, wide: 1 },
          { ...table, width: 1, wide: 2 },
        ],
      },
    ],
    [
      '±63',
      GOOD,
      {
        tables: [
          { ...table, width: 128, wide: 1, high: 64 },
          { ...table, width: 1, wide: 2 },
        ],
      },
    ],
    ['generates nothing', GOOD, { kind: KIND.encoder }],
    ['generates nothing', GOOD, { template: null }],
  ])('that does not fit its model (%s) is refused', (words, value, change) => {
    const file = bytesOf(value);
    const refused = expect.objectContaining({
      code: 'MODEL_REFUSED',
      message: expect.stringContaining(words) as string,
    }) as Error;
    expect(() => readGeneration(manifestOf(file, change), file)).toThrow(refused);
  });
});
