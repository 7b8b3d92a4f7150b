/** Options: their ranges, their bytes, and the numbers that people type. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeOptions,
  encodeOptions,
  optionsOf,
  STOPS_MAX,
  unitsFromText,
  type Choosing,
} from '../../../src/miner/generator/options.ts';

const DEFAULTS: Choosing = {
  temperature: 179,
  topK: 0,
  topP: 58_982,
  penalty: 282,
  maxTokens: 512,
};

describe('options', () => {
  it('are those of the model where nothing is said', () => {
    const none = { form: 1, ...DEFAULTS, seed: new Uint8Array(32), stops: [] };
    expect(optionsOf(DEFAULTS)).toEqual(none);
    expect(decodeOptions(new Uint8Array(), DEFAULTS)).toEqual(none);
  });

  it('come back from their bytes, which fit a question', () => {
    const options = fc.record({
      temperature: fc.integer({ min: 0, max: 1024 }),
      topK: fc.integer({ min: 0, max: 2 ** 18 }),
      topP: fc.integer({ min: 1, max: 65_536 }),
      penalty: fc.integer({ min: 256, max: 1024 }),
      maxTokens: fc.integer({ min: 1, max: 65_535 }),
      seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      stops: fc.array(fc.nat(2 ** 18), { maxLength: STOPS_MAX }),
    });
    const property = fc.property(options, (said) => {
      const all = optionsOf(DEFAULTS, said);
      const data = encodeOptions(all);
      expect(data.length).toBeLessThanOrEqual(1024);
      expect(decodeOptions(data, DEFAULTS)).toEqual(all);
    });
    fc.assert(property);
  });

  it.each([
    ['temperature', -1],
    ['temperature', 1025],
    ['temperature', 0.5],
    ['temperature', NaN],
    ['topK', 2 ** 18 + 1],
    ['topP', 0],
    ['topP', 65_537],
    ['penalty', 255],
    ['penalty', 1025],
    ['maxTokens', 0],
    ['maxTokens', 65_536],
  ])('refuse %s %d', (name, value) => {
    const error = expect.objectContaining({
      code: 'OPTION_RANGE',
      message: expect.stringContaining(name) as string,
    }) as Error;
    expect(() => optionsOf(DEFAULTS, { [name]: value })).toThrow(error);
  });

  it('refuse another seed, too many stops, and bytes of another form', () => {
    const range = expect.objectContaining({ code: 'OPTION_RANGE' }) as Error;
    const malformed = expect.objectContaining({ code: 'OPTION_MALFORMED' }) as Error;
    expect(() => optionsOf(DEFAULTS, { seed: new Uint8Array(31) })).toThrow(range);
    const stops = Array.from({ length: STOPS_MAX + 1 }, (_, i) => i);
    expect(() => optionsOf(DEFAULTS, { stops })).toThrow(range);
    const data = encodeOptions(optionsOf(DEFAULTS));
    expect(() => decodeOptions(data.with(0, 2), DEFAULTS)).toThrow(malformed);
    expect(() => decodeOptions(data.subarray(1), DEFAULTS)).toThrow(malformed);
    // Top-p 0, as bytes.
    expect(() => decodeOptions(data.fill(0, 7, 11), DEFAULTS)).toThrow(range);
  });
});

describe('a number that somebody types', () => {
  it.each([
    ['0.7', 256, 179],
    ['1', 256, 256],
    ['1.1', 256, 282],
    [' 0.5 ', 1, 1],
    ['0.49999', 1, 0],
    ['0.9', 65_536, 58_982],
    ['2.', 1, undefined],
    ['.5', 256, undefined],
    ['-1', 256, undefined],
    ['1e3', 256, undefined],
    ['1,5', 256, undefined],
    ['1.2.3', 256, undefined],
    ['', 256, undefined],
    ['1'.repeat(17), 256, undefined],
  ])('“%s” of %d is %s', (text, one, units) => {
    if (units !== undefined) return expect(unitsFromText(text, one)).toBe(units);
    const malformed = expect.objectContaining({ code: 'OPTION_MALFORMED' }) as Error;
    expect(() => unitsFromText(text, one)).toThrow(malformed);
  });
  it('may have the comma of its language', () => {
    expect(unitsFromText('1,5', 256, ',')).toBe(384);
  });
});
