/** The ONNX parser takes one form only, and never throws on bytes from strangers. */
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import { concat, equal } from '../../../src/lib/bytes.ts';
import {
  encodeOnnx,
  parseOnnx,
  FIELDS_MAX,
  NODES_MAX,
  type OnnxGraph,
} from '../../../src/miner/package/onnx.ts';
import { firstSegment, loadModel } from '../small-model.ts';

const graph = firstSegment((g, x) => g.clip(g.shift(x, 1), -5, 5));
const bytes = encodeOnnx(graph);
/** The same nodes with a table of one entry: a few hundred bytes, quick to change and read. */
const [table, ...others] = graph.constants;
const short = encodeOnnx({
  ...graph,
  constants: [{ ...table!, dims: [1], data: new Float32Array(1) }, ...others],
});

describe('parseOnnx', () => {
  it('reads what encodeOnnx wrote', () => {
    expect(parseOnnx(bytes)).toEqual(graph);
  });
  it('reads the packaged segments and writes the same bytes', async () => {
    for (const segment of (await loadModel('tiny')).segments) {
      const parsed = parseOnnx(segment);
      expect(typeof parsed).toBe('object');
      expect(equal(encodeOnnx(parsed as OnnxGraph), segment)).toBe(true);
    }
  });
  it('keeps negative and large int64', () => {
    const data = BigInt64Array.of(-1n, 2n ** 40n);
    const constants = [{ name: 'k', type: 'int64' as const, dims: [2], data }];
    const parsed = parseOnnx(
      encodeOnnx({ ...graph, constants: [...graph.constants, ...constants] }),
    );
    expect((parsed as OnnxGraph).constants.at(-1)!.data).toEqual(data);
  });
  it('gives a sentence for every cut, and never throws', () => {
    for (let n = 0; n < short.length; n++)
      expect(typeof parseOnnx(short.subarray(0, n))).toBe('string');
    expect(typeof parseOnnx(short)).toBe('object');
  });
  it('takes changed bytes only if they are the form of what they say', () => {
    const edit = fc.tuple(fc.nat(short.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const changed = short.slice();
        for (const [at, x] of edits) changed[at]! ^= x;
        const parsed = parseOnnx(changed);
        return typeof parsed === 'string' || equal(encodeOnnx(parsed), changed);
      }),
      { numRuns: 1000 },
    );
  });
  it('takes no random bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (x) => typeof parseOnnx(x) === 'string'));
  });
});

describe('refuses', () => {
  const refusal = (g: Partial<OnnxGraph>): string => {
    const parsed = parseOnnx(encodeOnnx({ ...graph, ...g }));
    return typeof parsed === 'string' ? parsed : 'accepted';
  };
  const [node] = graph.nodes;
  const tail = (f: (w: protobuf.Writer) => void): Uint8Array => {
    const w = protobuf.Writer.create();
    f(w);
    return concat(bytes, Uint8Array.from(w.finish()));
  };

  it('fields it does not know: producer, functions', () => {
    expect(parseOnnx(tail((w) => w.uint32((2 << 3) | 2).string('x')))).toMatch('field 2');
    expect(parseOnnx(tail((w) => w.uint32((25 << 3) | 2).string('')))).toMatch('field 25');
  });
  it('a second opset, an empty message', () => {
    expect(parseOnnx(tail((w) => w.uint32((8 << 3) | 2).string('')))).toMatch('canonical');
  });
  it('a wire type that is not the field’s', () => {
    expect(parseOnnx(tail((w) => w.uint32((7 << 3) | 3)))).toMatch('wire type');
  });
  it('a name that is made twice', () => {
    expect(refusal({ nodes: [...graph.nodes, { ...node!, name: 'other' }] })).toMatch('twice');
  });
  it('a node that is there twice', () => {
    expect(refusal({ nodes: [...graph.nodes, { ...node!, outputs: ['o'] }] })).toMatch('twice');
  });
  it('a read before the write', () => {
    expect(refusal({ nodes: graph.nodes.toReversed() })).toMatch('reads unknown');
  });
  it('an output that no node makes', () => {
    const ghost = { name: 'ghost', type: 'float32' as const, dims: [1] };
    expect(refusal({ outputs: [ghost] })).toMatch('made by no node');
  });
  it('a rank over 6, a dimension of 0, too many elements', () => {
    const dims = (d: number[]) => refusal({ inputs: [{ name: 'x', type: 'float32', dims: d }] });
    expect(dims([1, 1, 1, 1, 1, 1, 1])).toMatch('rank 7');
    expect(dims([0])).toMatch('below 1');
    expect(dims([2 ** 20, 2 ** 20])).toMatch('elements');
  });
  it('data of another length than its shape', () => {
    const constants = [
      { name: 'k', type: 'float32' as const, dims: [3], data: new Float32Array(2) },
    ];
    expect(refusal({ constants })).toMatch('bytes of data');
  });
  it('a field more than a file may have, nested ones too', () => {
    const field = (number: number, content: Uint8Array): Uint8Array<ArrayBuffer> =>
      Uint8Array.from(
        protobuf.Writer.create()
          .uint32((number << 3) | 2)
          .bytes(content)
          .finish(),
      );
    /** In one graph: `lists` constants of `each` dimensions, and `rest` in one more. */
    const fields = (lists: number, each: number, rest: number): Uint8Array => {
      const constant = (n: number) => field(5, concat(...Array(n).fill(Uint8Array.of(8, 1))));
      return field(7, concat(...Array(lists).fill(constant(each)), constant(rest)));
    };
    // The graph, 63 constants of 4095 dimensions each, the last constant.
    const most = FIELDS_MAX - 1 - 63 * 4096 - 1;
    expect(parseOnnx(fields(63, 4095, most))).not.toMatch('fields');
    expect(parseOnnx(fields(63, 4095, most + 1))).toMatch(`more than ${FIELDS_MAX} fields`);
  });
  it('an attribute of more numbers than a tensor has axes', () => {
    const perm = (n: number) => ({ ...node!, attributes: { perm: Array(n).fill(0) } });
    const nodes = (n: number) => refusal({ nodes: graph.nodes.with(0, perm(n)) });
    expect(nodes(6)).toBe('accepted');
    expect(nodes(7)).toMatch('over 6 numbers');
  });
  it('a long name, without repeating it', () => {
    const inputs = [node!.inputs[0]!, 'n'.repeat(2 ** 16)];
    const sentence = refusal({ nodes: graph.nodes.with(0, { ...node!, inputs }) });
    expect(sentence).toMatch('reads unknown');
    expect(sentence.length).toBeLessThan(300);
  });
  it('one node too many', () => {
    const nodes = Array.from({ length: NODES_MAX + 1 }, (_, i) => ({
      ...node!,
      name: `n${i}`,
      outputs: [`o${i}`],
    }));
    expect(refusal({ nodes, outputs: [] })).toMatch('more than 4096');
  });
});
