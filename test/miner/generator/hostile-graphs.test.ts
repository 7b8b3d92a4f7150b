/**
 * Packages that the checker admits and that are made to set a pass against its steps: names that stand twice, shapes
 * that contradict each other, places between two columns. Steps give the pass's rows, or are refused.
 */
import { describe, expect, it } from 'vitest';
import { decoderSource } from '../../../models/decoder/decoder.ts';
import { boundedManifest, draftOf } from '../../../models/finish.ts';
import { Graph } from '../../../models/graph.ts';
import { modelId } from '../../../src/core/manifest.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import { openLanguage } from '../../../src/miner/generator/course.ts';
import { Generator } from '../../../src/miner/generator/generate.ts';
import { optionsOf } from '../../../src/miner/generator/options.ts';
import { verify } from '../../../src/miner/generator/verify.ts';
import type { OnnxGraph, OnnxTensor } from '../../../src/miner/package/onnx.ts';
import { DECODER_SMALL, generatedConstants, generatedGeneration } from '../../models/decoder.ts';
import { entries, firstSegment, modelOf, ROWS, TOKENS, WIDTH } from '../small-model.ts';
import { differing, openStepping, passRows, type Row } from './stepping.ts';

const PATIENCE_MS = 120_000;

/** Gives tensors of a graph other names. */
function renamed(graph: OnnxGraph, from: string, to: string): OnnxGraph {
  const name = (x: string): string => (x === from ? to : x);
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(name),
    outputs: node.outputs.map(name),
  }));
  const constants = graph.constants.map((c) => ({ ...c, name: name(c.name) }));
  return { ...graph, nodes, constants };
}

const differences = (got: readonly Row[], want: readonly Row[]): number =>
  got.reduce((sum, row, i) => sum + differing(row, want[i]!), 0);

describe('a step gives the rows of its pass', () => {
  const TOGETHER = 2;
  const places = Array.from({ length: TOKENS }, (_, i) => 6 * i - 20);

  /** c1 → `piece` of [2, 8, 16] → a2. */
  function middleOf(piece: (g: Graph, x: string) => string): OnnxGraph {
    const g = new Graph().scope('middle');
    const c = g.clip(g.input('c1', [ROWS, 16]), -40, 40);
    const made = g.clip(piece(g, g.reshape(c, [2, TOKENS, 16])), -63, 63);
    const columns = g.ints('first', entries(WIDTH).map((x) => Math.abs(x) % 16)); // prettier-ignore
    g.output('a2', [ROWS, WIDTH], g.gather(g.reshape(made, [ROWS, 16]), columns, 1));
    return g.graph();
  }
  const placed = (name: string) =>
    middleOf((g, x) => g.add(x, g.floats(name, [1, TOKENS, 1], places)));
  const first = firstSegment((g, x) => g.clip(x, -63, 63));
  /** Three entries of a constant of three. */
  const few = (name: string) =>
    middleOf((g, x) => {
      const sum = g.add(g.slice(x, 2, 0, 3), g.floats(name, [3], [9, -7, 5]));
      return g.op('Concat', [sum, g.slice(x, 2, 3, 16)], { axis: 2 });
    });

  function carried(): ModelPackage {
    const giving = firstSegment((g, x) => {
      g.output('kept', [2, TOKENS, WIDTH], g.clip(x, -20, 20));
      return x;
    });
    const turned = middleOf((g, x) => g.transpose(g.transpose(x, [0, 2, 1]), [0, 2, 1]));
    const local = turned.nodes.find(({ op }) => op === 'Transpose')!.outputs[0]!;
    const g = new Graph().scope('last');
    const kept = g.reshape(g.input('kept', [2, TOKENS, WIDTH]), [ROWS, WIDTH]);
    const sum = g.add(g.input('c2', [ROWS, 16]), g.slice(kept, 1, 0, 16));
    g.output('answer', [ROWS, 16], g.clip(sum, -127, 127));
    const middle = renamed(turned, local, 'kept');
    return modelOf(giving, { kind: 'generator', middle, last: g.graph() });
  }

  /** Who works out each operand by itself never comes to the end of 2^64. */
  const doubled = (last: (g: Graph, x: string) => string): ModelPackage => {
    const middle = middleOf((g, x) => {
      const own = g.floats('own', [1, TOKENS, 1], places);
      const columns = Array.from({ length: 16 }, (_, i) => 3 * i - 20);
      let made = g.toFloat(g.op('Greater', [own, g.floats('columns', [1, 1, 16], columns)]));
      for (let i = 0; i < 64; i++) made = g.op('Max', [made, made]);
      return g.add(x, last(g, made));
    });
    return modelOf(first, { kind: 'generator', middle });
  };

  const cases: [string, () => ModelPackage][] = [
    [
      'where a constant is called as an earlier segment’s tensor',
      () =>
        modelOf(renamed(first, first.nodes[0]!.outputs[0]!, 'odd'), {
          kind: 'generator',
          middle: placed('odd'),
        }),
    ],
    [
      'where a constant has the name of a shape',
      () => modelOf(first, { kind: 'generator', middle: few(`shape.${TOGETHER}.1.16`) }),
    ],
    [
      'where a constant has the name that a shape of a step has',
      () => modelOf(first, { kind: 'generator', middle: few(`step.shape.${TOGETHER}.1.16`) }),
    ],
    [
      'where a constant stands beside tensors of two ranks',
      () => {
        const middle = middleOf((g, x) => {
          const pos = g.floats('pos', [TOKENS, 1], places);
          const wide = g.transpose(g.reshape(x, [2, TOKENS, 2, 8]), [0, 2, 1, 3]);
          const back = g.transpose(g.add(wide, pos), [0, 2, 1, 3]);
          return g.add(g.add(x, pos), g.reshape(back, [2, TOKENS, 16]));
        });
        return modelOf(first, { kind: 'generator', middle });
      },
    ],
    ['where a segment calls a tensor of its own as another’s carry', carried],
    ['where a constant is made of constants, each read twice', () => doubled((_, x) => x)],
    [
      'where such a constant is turned',
      () => doubled((g, x) => g.transpose(g.transpose(x, [0, 2, 1]), [0, 2, 1])),
    ],
  ];
  it.each(cases)('have the same rows in steps as in passes, %s', async (_, make) => {
    const opening = openStepping(make(), { together: TOGETHER, conversations: TOGETHER });
    await expect(opening).resolves.toBeDefined();
    const stepping = await opening;
    const texts = [1, 2].map((i) => Array.from({ length: TOKENS }, (__, at) => 1 + 37 * i + 11 * at)); // prettier-ignore
    const [one, other] = texts.map(() => stepping.engine.open()) as [number, number];
    const got: [Row[], Row[]] = [[], []];
    // The second is some tokens behind.
    for (let turn = 0; turn < TOKENS + 3; turn++) {
      const live = [
        { conversation: one, i: 0, at: turn },
        { conversation: other, i: 1, at: turn - 3 },
      ].filter(({ at }) => at >= 0 && at < TOKENS);
      const asked = live.map(({ conversation, i, at }) => [conversation, texts[i]![at]!] as const);
      const rows = await stepping.step(asked);
      for (const [place, { i }] of live.entries()) got[i]!.push(rows[place]!);
    }
    for (const [i, want] of (await passRows(stepping, texts, 0)).entries())
      expect(differences(got[i]!, want), `text ${i}`).toBe(0);
  });
});

const [SHORT, CONTEXT] = [16, 48];
const SIZE = { ...DECODER_SMALL, tokens: SHORT, blockKeys: 16 };
const generation = generatedGeneration({
  ...SIZE,
  otherShapes: [{ sequences: 2, tokens: CONTEXT }],
});

/** A generated decoder whose graphs are changed, shape by shape. */
function decoderWith(change: (graph: OnnxGraph, shape: number) => OnnxGraph): ModelPackage {
  const shapes = [SHORT, CONTEXT].map((tokens) => ({ sequences: 2, tokens }));
  const named = { name: 'decoder', licence: '', attribution: '', generation };
  const source = decoderSource(generatedConstants(SIZE), { ...named, shapes });
  const draft = draftOf({
    ...source,
    graphs: source.graphs.map((graph) => change(graph, 0)),
    otherShapes: source.otherShapes!.map((other) => ({
      ...other,
      graphs: other.graphs.map((graph) => change(graph, 1)),
    })),
  });
  const manifest = boundedManifest(draft);
  return { ...draft, manifest, id: modelId(manifest) };
}

/** Changes the numbers of constants whose names end so. */
const withNumbers = (graph: OnnxGraph, end: RegExp, of: (x: number) => number): OnnxGraph => ({
  ...graph,
  constants: graph.constants.map((c) =>
    end.test(c.name) ? { ...c, data: Float32Array.from(c.data as Float32Array, of) } : c,
  ),
});

/** Keys within other bounds. */
function withKeys(graph: OnnxGraph, low: number, high: number): OnnxGraph {
  const limit = (name: string, x: number): OnnxTensor => ({
    name,
    type: 'float32',
    dims: [],
    data: Float32Array.of(x),
  });
  const isKey = (name: string): boolean => name.startsWith('key.');
  if (!graph.nodes.some(({ name }) => isKey(name))) return graph;
  const other = new Map([
    ['number_m255', 'lowest'],
    ['number_255', 'highest'],
  ]);
  const nodes = graph.nodes.map((node) =>
    isKey(node.name) ? { ...node, inputs: node.inputs.map((x) => other.get(x) ?? x) } : node,
  );
  const constants = [...graph.constants, limit('lowest', low), limit('highest', high)];
  return { ...graph, nodes, constants };
}

const textOf = (length: number): number[] =>
  Array.from({ length }, (_, i) => 3 + ((i * i * 31 + 17 * i) % 280));

describe('shapes that contradict each other', () => {
  const contradicting = decoderWith((graph, shape) =>
    withNumbers(graph, /gains$/, (x) => (shape ? x + 20 : x)),
  );

  it('give a conversation the same rows, however many tokens a step takes', async () => {
    const stepping = await openStepping(contradicting, { together: 5, conversations: 2 });
    const text = textOf(CONTEXT);
    const rowsBy = async (count: number): Promise<Row[]> => {
      const conversation = stepping.engine.open();
      const rows: Row[] = [];
      for (let at = 0; at < text.length; at += count) {
        const part = text.slice(at, at + count);
        rows.push(...(await stepping.step(part.map((token) => [conversation, token]))));
      }
      stepping.engine.close(conversation);
      return rows;
    };
    const alone = await rowsBy(1);
    expect(differences(await rowsBy(5), alone)).toBe(0);
    const [inPass] = await passRows(stepping, [text], 1);
    expect(differences(alone, inPass!)).toBeGreaterThan(0);
  });

  it('convict nobody', { timeout: PATIENCE_MS }, async () => {
    const backend = await createCpuBackend(contradicting);
    const { manifest, tables } = contradicting;
    const language = await openLanguage(manifest, tables, generation);
    const stepper = await backend.steps!({ together: 5, conversations: 2 });
    const input = Uint32Array.from(textOf(6));
    const options = optionsOf(language.generation.defaults, { temperature: 900, maxTokens: 36 });
    const made: number[] = [];
    const generator = new Generator(language, stepper);
    for await (const { token } of generator.generate({ input, options })) made.push(token);
    const claim = { input, options, answer: Uint32Array.from(made) };
    const byPass = await verify(language, backend, claim);
    expect(byPass.right).toBe(false);
    await expect(verify(language, backend, claim, { stepper })).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
    });
    // Its own conversation is closed again.
    for (const each of [stepper.open(), stepper.open()]) stepper.close(each);
  });

  it.each([
    ['less', 127, 255],
    ['more', 255, 127],
  ])('in the bounds of what is cached, %s in the first, are refused', async (_, own, other) => {
    const model = decoderWith((graph, shape) => {
      const most = shape ? other : own;
      return withKeys(graph, -most, most);
    });
    const stepping = await openStepping(model, { together: 2, conversations: 2 });
    const conversation = stepping.engine.open();
    const text = textOf(SHORT);
    for (const token of text) await stepping.step([[conversation, token]]);
    const next = stepping.step([[conversation, 9]]);
    await expect(next).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
    const before = stepping.backend.memoryBytes();
    await expect(stepping.step([[conversation, 9]])).rejects.toThrow();
    expect(stepping.backend.memoryBytes()).toBe(before);
  });

  it('in a step that has no form are refused before they take memory', async () => {
    const backend = await createCpuBackend(decoderWith((graph) => withKeys(graph, 1, 255)));
    const before = backend.memoryBytes();
    for (let i = 0; i < 3; i++)
      await expect(backend.steps!({ together: 16, conversations: 2 })).rejects.toMatchObject({
        code: 'MODEL_REFUSED',
      });
    expect(backend.memoryBytes()).toBe(before);
  });
});

it('places between two columns hide what they hide in any engine', async () => {
  const model = decoderWith((graph) => withNumbers(graph, /keys_(16|32)$/, (x) => x + 0.5));
  const rowsBy = async (runtimeOnly: boolean): Promise<Row[]> => {
    const backend = await createCpuBackend(model, { runtimeOnly });
    const rows = await passRows({ model, backend }, [textOf(CONTEXT)], 1);
    expect(backend.usesRuntime!()).toBe(runtimeOnly);
    return rows[0]!;
  };
  expect(differences(await rowsBy(false), await rowsBy(true))).toBe(0);
});
