/**
 * Segments of one layer of a decoder that is being made, run on calibration rows: the package's own graphs in the
 * executor, so that what calibration sees is what the package will compute, and nothing computes it a second time.
 */
import {
  sharedByWeights,
  unitLinears,
  type Carry,
  type UnitLinear,
} from '../../../src/core/manifest.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { analyseModel, isRefusal } from '../../../src/miner/checker/checker.ts';
import {
  createKernel,
  type Kernel,
  type PlacedWeights,
} from '../../../src/miner/cpu/kernel/kernel.ts';
import { carryEntries } from '../../../src/miner/cpu/segments.ts';
import { createExecutor, type Executor } from '../../../src/miner/executor/executor.ts';
import { decoderSource } from '../../decoder/decoder.ts';
import type { DecoderConstants } from '../../decoder/description.ts';
import { boundedManifest, draftOf } from '../../finish.ts';

/** Tensors between segments of all sequences, one after the other; `a` is the operand of the next product. */
export type State = Readonly<Record<string, Int32Array>>;

interface Parts {
  readonly kernel: Kernel;
  readonly executor: Executor;
  readonly linears: readonly UnitLinear[];
  readonly placed: readonly PlacedWeights[];
  readonly graphs: readonly {
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  readonly carries: ReadonlyMap<string, Carry>;
}

/** One sequence of `tokens` tokens at a time. @throws AppError MODEL_REFUSED */
export async function openLayers(constants: DecoderConstants, tokens: number): Promise<Layers> {
  const source = decoderSource(constants, {
    name: 'calibration',
    licence: '',
    attribution: '',
    shapes: [{ sequences: 1, tokens }],
  });
  const draft = draftOf(source);
  const manifest = boundedManifest(draft);
  const model = { ...draft, manifest };
  const analysis = analyseModel(model);
  if (isRefusal(analysis)) throw new AppError('MODEL_REFUSED', analysis.sentence);
  const linears = unitLinears(manifest);
  const kernel = await createKernel(linears);
  const [shape, facts] = [manifest.shapes[0]!, analysis.shapes[0]!];
  const { tables } = model;
  const executor = await createExecutor({ manifest, shape, facts, tables }, kernel);
  const placed = sharedByWeights(manifest, (l, i) => kernel.placeWeights(l, draft.weights[i]!));
  const names = (values: readonly { readonly name: string }[]) => values.map(({ name }) => name);
  const graphs = facts.map(({ graph }) => ({
    inputs: names(graph.inputs),
    outputs: names(graph.outputs),
  }));
  const carries = new Map(shape.carries.map((carry) => [carry.name, carry]));
  return new Layers({ kernel, executor, linears, placed, graphs, carries });
}

export class Layers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  #carry(name: string): Int16Array | Int32Array {
    const { kernel, executor, carries } = this.#parts;
    return carryEntries(kernel.memory, executor.carry(name), carries.get(name)!, 1);
  }

  /** Segment 0 of sequences of tokens. */
  async embed(sequences: readonly Uint32Array[]): Promise<State> {
    return this.#each(0, sequences.length, (i) => {
      this.#parts.executor.begin(sequences[i]!);
      return Promise.resolve();
    });
  }

  /** The product of `a` with a linear's weights, and the segment after it, of `count` sequences. */
  async run(segment: number, state: State, count: number): Promise<State> {
    const { kernel, linears, placed, graphs } = this.#parts;
    const l = linears[segment - 1]!;
    return this.#each(segment, count, async (i) => {
      const part = (name: string): Int32Array => {
        const all = state[name]!;
        const length = all.length / count;
        return all.subarray(i * length, (i + 1) * length);
      };
      kernel.loadOperand(Int8Array.from(part('a')));
      await kernel.multiply(l, placed[segment - 1]!, () => undefined);
      for (const name of graphs[segment]!.inputs)
        if (name !== `c${segment}`) this.#carry(name).set(part(name));
    });
  }

  /** What a segment gives of each sequence after `ready`. */
  async #each(
    segment: number,
    count: number,
    ready: (sequence: number) => Promise<void>,
  ): Promise<State> {
    const { kernel, executor, linears, graphs } = this.#parts;
    const found: Record<string, Int32Array> = {};
    for (let i = 0; i < count; i++) {
      await ready(i);
      executor.run(segment, 1);
      for (const name of graphs[segment]!.outputs) {
        const isOperand = name === `a${segment + 1}`;
        const values = isOperand
          ? kernel.activations(linears[segment]!)
          : name === 'answer'
            ? executor.answer(1)
            : this.#carry(name);
        const key = isOperand ? 'a' : name;
        const all = (found[key] ??= new Int32Array(count * values.length));
        all.set(values, i * values.length);
      }
    }
    return found;
  }
}
