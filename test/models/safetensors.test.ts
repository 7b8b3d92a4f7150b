/** Weights in safetensors: what is read, what is refused with its name, and that no damage ends otherwise. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import {
  encodeSafetensors,
  encodeTensors,
  joinShards,
  openSafetensors,
  parseSafetensors,
  shardsOf,
  type Bytes,
} from '../../models/import/safetensors.ts';

/** A file with this header and that many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  return fileOfText(JSON.stringify(header), dataBytes);
}
function fileOfText(text: string, dataBytes: number, size?: bigint): Uint8Array {
  const head = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + head.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, size ?? BigInt(head.length), true);
  file.set(head, 8);
  return file;
}
const entry = (dtype: string, shape: unknown, ...data_offsets: unknown[]) => ({
  dtype,
  shape,
  data_offsets,
});
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (e) {
    // Anything else is a fault of the reader.
    if (e instanceof AppError) return e.code;
    throw e;
  }
  return 'read';
};

describe('what is read', () => {
  test('float32, float16 and bfloat16', () => {
    const header = {
      __metadata__: { format: 'pt' },
      half: entry('F16', [2], 0, 4),
      brain: entry('BF16', [1, 2], 4, 8),
      full: entry('F32', [1], 8, 12),
    };
    const file = fileOf(header, 12);
    const data = file.subarray(file.length - 12);
    data.set([0x00, 0x3c, 0x01, 0x80]); // 1, −2^−24
    data.set([0x80, 0xbf, 0x49, 0x40], 4); // −1, 3.140625
    data.set(new Uint8Array(Float32Array.of(0.1).buffer), 8);
    const tensors = parseSafetensors(file);
    expect([...tensors.read('half', [2])]).toEqual([1, -(2 ** -24)]);
    expect([...tensors.read('brain', [1, 2])]).toEqual([-1, 3.140625]);
    expect([...tensors.read('full', [1])]).toEqual([Math.fround(0.1)]);
    expect(() => tensors.read('half', [1, 2])).toThrow("'half' is [2], not [1,2]");
    expect(() => tensors.read('none', [2])).toThrow("'none' is not there");
  });

  /** Each type of the format, and one of a day to come: what four numbers of it take. */
  const TYPES: readonly (readonly [type: string, bytes: number])[] = [
    ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map((t) => [t, 4] as const),
    ...['F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((t) => [t, 4] as const),
    ...['F6_E2M3', 'F6_E3M2'].map((t) => [t, 3] as const),
    ['F4', 2],
    ...['U16', 'I16'].map((t) => [t, 8] as const),
    ...['U32', 'I32'].map((t) => [t, 16] as const),
    ...['U64', 'I64', 'F64', 'C64'].map((t) => [t, 32] as const),
    ['F128_X', 77],
  ];
  test.each(TYPES)('%s may lie there unread, and is refused by name where it is needed', (t, n) => {
    const header = { odd: entry(t, [4], 0, n), good: entry('F32', [1], n, n + 4) };
    const tensors = parseSafetensors(fileOf(header, n + 4));
    expect([...tensors.read('good', [1])]).toEqual([0]);
    expect(() => tensors.check('odd', [4])).toThrow(`'odd' is ${t}, not a float`);
    expect(codeOf(() => tensors.read('odd', [4]))).toBe('MODEL_REFUSED');
    // Its bytes are counted all the same, where the type is known.
    const long = { odd: entry(t, [4], 0, n + 1) };
    expect(codeOf(() => parseSafetensors(fileOf(long, n + 1)))).toBe(
      t === 'F128_X' ? 'read' : 'MODEL_CORRUPT',
    );
  });

  test('of a file only the header and what is asked for are read', () => {
    const values = (n: number) => ({ dims: [n], values: new Float32Array(n).fill(n) });
    const file = encodeSafetensors(new Map([3, 5, 7].map((n) => [`t${n}`, values(n)])));
    const spans: [number, number][] = [];
    const bytes: Bytes = {
      size: file.length,
      read(from, to) {
        spans.push([from, to]);
        return file.subarray(from, to);
      },
    };
    const tensors = openSafetensors(bytes, 'x');
    const opened = spans.length;
    tensors.check('t5', [5]);
    expect(spans).toHaveLength(opened);
    expect([...tensors.read('t5', [5])]).toEqual([5, 5, 5, 5, 5]);
    const at = file.length - 7 * 4 - 5 * 4;
    expect(spans.slice(opened)).toEqual([[at, at + 20]]);
    expect(Math.max(...spans.slice(0, opened).map(([, to]) => to))).toBe(at - 12);
  });
});

describe('what is refused', () => {
  test.each<[string, unknown, number]>([
    [
      "'b' begins at 4, not at 8: overlap",
      { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) },
      8,
    ],
    [
      "'b' begins at 8, not at 4: overlap or hole",
      { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 8, 12) },
      12,
    ],
    ["'a' begins at 4, not at 0", { a: entry('F32', [1], 4, 8) }, 8],
    ['4 bytes belong to no tensor', { a: entry('F32', [1], 0, 4) }, 8],
    ["data_offsets of 'a' are 0..4 of 4 bytes; it needs 8", { a: entry('F32', [2], 0, 4) }, 4],
    ["data_offsets of 'a'", { a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, 4],
    ["data_offsets of 'a' are 0..4 of 0 bytes", { a: entry('F32', [1], 0, 4) }, 0],
    ["data_offsets of 'a' are 8..4", { a: entry('X', [1], 8, 4) }, 8],
    ["data_offsets of 'a' are no place", { a: entry('F32', [1], 0) }, 4],
    ["data_offsets of 'a' are no place", { a: entry('F32', [1], -4, 0) }, 4],
    ["data_offsets of 'a' are no place", { a: entry('F32', [1], 0, 2 ** 60) }, 4],
    ["shape of 'a'", { a: entry('F32', [1.5], 0, 4) }, 4],
    ["shape of 'a'", { a: entry('F32', 'x', 0, 4) }, 4],
    ["shape of 'a'", { a: entry('F32', Array(9).fill(1), 0, 4) }, 4],
    ["dtype of 'a'", { a: { shape: [1], data_offsets: [0, 4] } }, 4],
    ["dtype of 'a'", { a: entry('', [1], 0, 4) }, 4],
    ["dtype of 'a'", { a: null }, 0],
    ['begins with {', [], 0],
    [
      '9000 tensors',
      Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [i, entry('F32', [0], 0, 0)])),
      0,
    ],
  ])('%s', (message, header, bytes) => {
    const file = fileOf(header, bytes);
    expect(() => parseSafetensors(file)).toThrow(message);
    expect(codeOf(() => parseSafetensors(file))).toBe('MODEL_CORRUPT');
  });

  test.each([
    ['a', '{"a":E,"a":E}'],
    ['a', '{"a":E,"\\u0061":E}'],
    ['a', '{"a" :E,"a"\n:E}'],
    ['__metadata__', '{"__metadata__":{},"__metadata__":{},"a":E}'],
    ['x', '{"__metadata__":{"x":"1","x":"2"},"a":E}'],
    ['dtype', '{"a":{"dtype":"F16","dtype":"F32","shape":[1],"data_offsets":[0,4]}}'],
  ])('%s twice in a header', (name, json) => {
    const text = json.replaceAll('E', JSON.stringify(entry('F32', [1], 0, 4)));
    expect(() => parseSafetensors(fileOfText(text, 4))).toThrow(`'${name}' is there twice`);
  });

  const GOOD = JSON.stringify({ a: entry('F32', [1], 0, 4) });
  test('one name in two objects, in a string or as a value is not twice', () => {
    const header = { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 4, 8) };
    const text = JSON.stringify({ __metadata__: { a: '{"a":1,"a":2}', b: 'a' }, ...header });
    expect(parseSafetensors(fileOfText(text, 8)).names).toEqual(['a', 'b']);
  });

  test.each<[string, Uint8Array]>([
    ['no header', new Uint8Array(7)],
    ['a header of 18446744073709552000 bytes in a file of 16', new Uint8Array(16).fill(255)],
    ['a header of 16777217 bytes', fileOfText(' '.repeat(2 ** 24 + 1), 0)],
    ['not JSON', fileOf({}, 0).fill(0xc0, 8)],
    ['a mark of the byte order: not JSON', fileOfText(`\ufeff${GOOD}`, 4)],
    ['blanks first: not JSON', fileOfText(` ${GOOD}`, 4)],
    ['not JSON', fileOfText(`${GOOD}}`, 4)],
    ['nested over 64 deep', fileOfText('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000), 0)],
  ])('%s', (message, file) => {
    expect(() => parseSafetensors(file)).toThrow(message.replace(/^.*: (?=not JSON)/, ''));
    expect(codeOf(() => parseSafetensors(file))).toBe('MODEL_CORRUPT');
  });

  test('a number that is none', () => {
    const file = fileOf({ a: entry('F32', [1], 0, 4) }, 4);
    file.set(new Uint8Array(Float32Array.of(NaN).buffer), file.length - 4);
    expect(() => parseSafetensors(file).read('a', [1])).toThrow('a number that is none');
  });
});

describe('no damage ends otherwise than in a code, or in numbers of the file', () => {
  const floats = (...x: number[]) => new Uint8Array(Float32Array.from(x).buffer);
  const good = encodeTensors(
    new Map([
      ['embeddings.word', { type: 'F32', dims: [2, 1], bytes: floats(1, 2) }],
      ['ids', { type: 'I64', dims: [1, 2], bytes: new Uint8Array(16) }],
      ['mask', { type: 'BOOL', dims: [3], bytes: new Uint8Array(3) }],
      ['half', { type: 'F16', dims: [2], bytes: new Uint8Array(4) }],
    ]),
  );
  const attempt = (file: Uint8Array): void => {
    codeOf(() => {
      const tensors = parseSafetensors(file);
      for (const name of tensors.names) codeOf(() => tensors.read(name, [2, 1]));
      codeOf(() => tensors.read('half', [2]));
    });
  };

  test('cut anywhere', () => {
    for (let n = 0; n < good.length; n++)
      expect(codeOf(() => parseSafetensors(good.subarray(0, n)))).toBe('MODEL_CORRUPT');
    expect(codeOf(() => parseSafetensors(Uint8Array.of(...good, 0)))).toBe('MODEL_CORRUPT');
  });

  test('bytes changed', () => {
    const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const changed = good.slice();
        for (const [at, byte] of edits) changed[at] = byte;
        attempt(changed);
      }),
      { numRuns: 2000 },
    );
  });

  test('any text, any JSON, any entries for a header', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          dtype: fc.oneof(fc.constantFrom('F32', 'F16', 'I64', 'F4', '__proto__'), fc.string()),
          shape: fc.oneof(fc.array(fc.oneof(fc.nat(4), fc.double())), fc.jsonValue()),
          data_offsets: fc.oneof(fc.tuple(fc.nat(24), fc.nat(24)), fc.jsonValue()),
        },
        { requiredKeys: [] },
      ),
    );
    const header = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.string(), odd).map((x) => JSON.stringify(x)),
    );
    const size = fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined });
    fc.assert(
      fc.property(header, fc.nat(24), size, (text, bytes, told) => {
        attempt(fileOfText(text, bytes, told));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a checkpoint in several files', () => {
  const one = (name: string, value: number) =>
    parseSafetensors(
      encodeSafetensors(new Map([[name, { dims: [1], values: Float32Array.of(value) }]])),
    );
  const index = (weight_map: unknown) => () => shardsOf({ weight_map }, 'index');

  test('each tensor is read from the file that the index names', () => {
    const map = { b: 'model-00002-of-00002.safetensors', a: 'model-00001-of-00002.safetensors' };
    const found = shardsOf({ metadata: { total_size: 8 }, weight_map: map }, 'index');
    const shards = new Map([
      [map.a, one('a', 1)],
      [map.b, one('b', 2)],
    ]);
    const tensors = joinShards(found, shards, 'index');
    expect(tensors.names).toEqual(['b', 'a']);
    expect([...tensors.read('a', [1]), ...tensors.read('b', [1])]).toEqual([1, 2]);
    expect(() => tensors.check('c', [1])).toThrow("index: weight_map has no 'c'");
    expect(() => tensors.check('a', [2])).toThrow("'a' is [1], not [2]");
  });

  test('a tensor in two files, and one that is not where the index says', () => {
    const [x, y] = ['x.safetensors', 'y.safetensors'];
    const twice = new Map([
      [x, one('a', 1)],
      [y, one('a', 2)],
    ]);
    expect(() => joinShards(new Map([['a', x]]), twice, 'index')).toThrow(
      "'a' lies in x.safetensors and in y.safetensors",
    );
    const moved = new Map([[x, one('a', 1)]]);
    expect(() => joinShards(new Map([['b', x]]), moved, 'index')).toThrow(
      "weight_map: 'b' is not in x.safetensors",
    );
  });

  test.each<[string, unknown]>([
    ['no list of files', undefined],
    ['a list', ['x.safetensors']],
    ['another folder', { a: '../x.safetensors' }],
    ['a folder below', { a: 'y/x.safetensors' }],
    ['a hidden file', { a: '.safetensors' }],
    ['another kind of file', { a: 'pytorch_model.bin' }],
    ['a number', { a: 1 }],
    ['nothing', {}],
    [
      'too many files',
      Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, `${i}.safetensors`])),
    ],
  ])('refused: %s', (_, map) => {
    expect(index(map)).toThrow('weight_map');
    expect(codeOf(index(map))).toBe('MODEL_CORRUPT');
  });
});
