import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../src/lib/bytes.ts';
import * as formats from '../../src/core/formats.ts';
import * as manifest from '../../src/core/manifest.ts';
import * as messages from '../../src/core/messages.ts';
import { ChainPointRecord } from '../../src/core/header/header.ts';
import {
  blob,
  bytes,
  CodecError,
  decode,
  encode,
  hash32,
  i32,
  i8,
  list,
  optional,
  struct,
  text,
  tryDecode,
  u16,
  u256,
  u32,
  u48,
  u64,
  u8,
  union,
  varint,
  type Codec,
} from '../../src/core/codec.ts';

const isCodec = (x: unknown): x is Codec<unknown> =>
  typeof x === 'object' && x !== null && 'read' in x && 'write' in x;
const exported = { ...formats, ...manifest, ...messages, ChainPointRecord };
const all = Object.entries(exported).filter((e): e is [string, Codec<any>] => isCodec(e[1]));

test('what is decoded from a Buffer is plain bytes that share no memory with it', () => {
  const data = Buffer.from([1, 2, 3, 4, 3, 5, 6, 7]);
  const value = decode(struct({ a: bytes(4), b: blob(8) }), data);
  data.fill(0);
  expect(value).toStrictEqual({ a: Uint8Array.of(1, 2, 3, 4), b: Uint8Array.of(5, 6, 7) });
  for (const part of [value.a, value.b]) expect(part.buffer.byteLength).toBe(part.length);
});

test('an encoding that fails, or that another one is part of, leaves nothing in the next', () => {
  const pair = struct({ a: u64, b: bytes(2) });
  const right = encode(pair, { a: 1n, b: Uint8Array.of(7, 8) });
  expect(() => encode(pair, { a: 1n, b: Uint8Array.of(7) })).toThrow(CodecError);
  expect(encode(pair, { a: 1n, b: Uint8Array.of(7, 8) })).toEqual(right);
  const outer: Codec<number> = {
    write(w, n) {
      w.byte(n);
      w.bytes(encode(pair, { a: 1n, b: Uint8Array.of(7, 8) }));
    },
    read: (r) => r.byte(),
  };
  expect(encode(outer, 3)).toEqual(concat(Uint8Array.of(3), right));
  expect(right).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 7, 8));
});

test('every format is here', () => {
  const names = all.map(([name]) => name);
  expect(names).toEqual(expect.arrayContaining(['Header', 'Tx', 'Body', 'Proof', 'Manifest']));
  expect(names).toEqual(expect.arrayContaining(['SyncRequest', 'SyncResponse', 'BlockAnnounce']));
  expect(names.length).toBeGreaterThanOrEqual(24);
});

/** The value that a codec makes of these bytes, zeros following. */
function sample(codec: Codec<unknown>, seed: Uint8Array): unknown {
  let at = 0;
  const byte = () => {
    // Keeps lists of structures short enough to compare quickly.
    if (at > 4000) throw new CodecError('sample is too long');
    return seed[at++] ?? 0;
  };
  const reader = {
    left: 1 << 20,
    byte,
    bytes: (n: number) => Uint8Array.from({ length: n }, byte),
  };
  try {
    return codec.read(reader as unknown as Parameters<typeof codec.read>[0]);
  } catch (e) {
    if (e instanceof CodecError) return undefined;
    throw e;
  }
}

/** The tag that a format begins with, where no other decodes: chance hardly finds it. */
const TAGS: Partial<Record<string, number>> = { SignedOpening: 1 };

describe.each(all)('%s', (name, codec) => {
  const tag = TAGS[name];
  const small = fc.uint8Array({ maxLength: 600, size: 'max' });
  // Small numbers, so that tags, options and lengths are often legal.
  const tame = fc.array(fc.oneof(fc.nat(3), fc.nat(3), fc.nat(255)), {
    maxLength: 600,
    size: 'max',
  });

  test('any bytes either fail to decode or re-encode to themselves', () => {
    const check = (data: Uint8Array) => {
      const value = tryDecode(codec, data);
      if (value !== undefined) expect(encode(codec, value)).toEqual(data);
    };
    fc.assert(fc.property(small, check), { numRuns: 60 });
    fc.assert(
      fc.property(tame, (data) => check(Uint8Array.from(data))),
      { numRuns: 60 },
    );
  });

  test('values survive; a byte less or more does not decode', () => {
    let values = 0;
    fc.assert(
      fc.property(tame, (seed) => {
        const value = sample(codec, Uint8Array.of(...(tag === undefined ? [] : [tag]), ...seed));
        if (value === undefined) return;
        values++;
        const data = encode(codec, value);
        expect(decode(codec, data)).toEqual(value);
        expect(tryDecode(codec, data.slice(0, -1))).toBeUndefined();
        expect(tryDecode(codec, concat(data, Uint8Array.of(0)))).toBeUndefined();
      }),
      { numRuns: 60 },
    );
    expect(values).toBeGreaterThan(0);
  });
});

describe('limits', () => {
  const refused = (codec: Codec<any>, value: unknown, why: string) =>
    expect(() => encode(codec, value)).toThrow(why);

  test.each<[string, Codec<any>, unknown[], unknown[]]>([
    ['u8', u8, [0, 255], [-1, 256, 1.5, NaN]],
    ['u16', u16, [0, 65_535], [65_536]],
    ['u32', u32, [0, 2 ** 32 - 1], [2 ** 32, Infinity]],
    // Near enough to a whole number that adding 256 makes it one.
    ['i8', i8, [-128, -1, 127], [-129, 128, -62.99999999999999]],
    ['i32', i32, [-(2 ** 31), 2 ** 31 - 1], [2 ** 31, -0.9999999999999999]],
    ['u48', u48, [0, 2 ** 48 - 1], [2 ** 48]],
    ['u64', u64, [0n, 2n ** 64n - 1n], [2n ** 64n, -1n]],
    ['u256', u256, [0n, 2n ** 256n - 1n], [2n ** 256n]],
    ['varint', varint, [0, 127, 128, 2 ** 28 - 1], [2 ** 28, -1, 0.5]],
  ])('%s at its bounds', (_, codec, good, bad) => {
    for (const value of good) expect(decode(codec, encode(codec, value))).toBe(value);
    for (const value of bad) expect(() => encode(codec, value)).toThrow(CodecError);
  });

  test('little-endian', () => {
    expect(encode(u32, 0x01020304)).toEqual(Uint8Array.of(4, 3, 2, 1));
    expect(encode(u64, 258n)).toEqual(Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0));
  });

  test.each([
    ['not minimal', [0x80, 0]],
    ['too long', [0x80, 0x80, 0x80, 0x80, 1]],
    ['cut off', [0x80]],
  ])('a varint that is %s', (_, data) =>
    expect(tryDecode(varint, Uint8Array.from(data))).toBeUndefined(),
  );

  test('lengths, tags, options and text', () => {
    refused(blob(2), new Uint8Array(3), 'over 2');
    refused(list(u8, 2), [1, 2, 3], 'over 2');
    refused(bytes(2), new Uint8Array(3), 'not 2');
    refused(hash32, new Uint8Array(31), 'not 32');
    expect(tryDecode(blob(2), Uint8Array.of(3, 1, 2, 3))).toBeUndefined();
    expect(tryDecode(list(u8, 2), Uint8Array.of(3, 1, 2, 3))).toBeUndefined();
    expect(tryDecode(optional(u8), Uint8Array.of(2, 1))).toBeUndefined();
    const either = union({ a: [0, struct({ x: u8 })], b: [1, struct({})] });
    expect(decode(either, Uint8Array.of(1))).toEqual({ type: 'b' });
    expect(tryDecode(either, Uint8Array.of(2))).toBeUndefined();
    refused(either, { type: 'c' }, 'unknown case');
    refused(text(2), 'äb', 'over 2');
    expect(tryDecode(text(4), Uint8Array.of(1, 0xff))).toBeUndefined();
    expect(decode(text(3), Uint8Array.of(3, 0xef, 0xbb, 0xbf))).toBe('\ufeff');
  });

  test('tags of a union are its own: one byte each, no two alike', () => {
    const none = struct({});
    const far = union({ b: [255, none], a: [7, struct({ x: u8 })] });
    expect(encode(far, { type: 'a', x: 3 })).toEqual(Uint8Array.of(7, 3));
    expect(decode(far, Uint8Array.of(255))).toEqual({ type: 'b' });
    for (const tag of [0, 1, 8, 254]) expect(tryDecode(far, Uint8Array.of(tag, 3))).toBeUndefined();
    refused(far, { type: 'toString' }, 'unknown case');
    for (const tag of [-1, 256, 1.5, NaN])
      expect(() => union({ a: [tag, none] })).toThrow('the tag of a is one byte');
    expect(() => union({ a: [1, none], b: [1, none] })).toThrow('the tag of b is not that of a');
  });

  test('a bug is not taken for bad bytes', () => {
    const broken: Codec<number> = {
      write: () => undefined,
      read: () => {
        throw new TypeError('bug');
      },
    };
    expect(() => tryDecode(broken, new Uint8Array())).toThrow('bug');
  });
});
