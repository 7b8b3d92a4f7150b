/**
 * One step by plain code: C = A·B in three loops, then the segment in the interpreter. It shares nothing with ONNX
 * Runtime and the engine but the parser of files (docs/protocol.md §5.3, §5.8).
 */
import { blake3 } from '@noble/hashes/blake3.js';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import type { Carry, Shape, Table } from '../../src/core/manifest.ts';
import type { StepInput } from '../../src/core/pow/known.ts';
import { parseOnnx } from '../../src/miner/package/onnx.ts';
import {
  interpretGraph,
  multiplyNaively,
  tensorFrom,
  type Tensors,
} from '../oracle/interpret-onnx.ts';

/** What a linear starts from: A, and the carries alive there. */
export interface State {
  readonly a: Int8Array;
  readonly carries: ReadonlyMap<string, Int32Array>;
}

export type Parts = Pick<ModelPackage, 'manifest' | 'segments' | 'tables' | 'weights'>;

const context = (name: string): Uint8Array => new TextEncoder().encode(`pila 2 ${name}`);
const join = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => [...p]));

/** Carries alive at a linear, in their order. */
export const aliveAt = ({ carries }: Shape, linear: number): Carry[] =>
  carries.filter((c) => c.made < linear && c.last >= linear);

/** A carry's bytes: int16 where its bounds fit, else int32. */
function bytesOf({ low, high }: Carry, values: Int32Array): Uint8Array {
  const wide = low >= -32_768 && high <= 32_767 ? 2 : 4;
  const view = new DataView(new ArrayBuffer(wide * values.length));
  for (const [i, x] of values.entries())
    if (wide === 2) view.setInt16(2 * i, x, true);
    else view.setInt32(4 * i, x, true);
  return new Uint8Array(view.buffer);
}

/** H_carry of the hashes of a state's carries. */
export function carriesHashOf(shape: Shape, linear: number, carries: State['carries']): Uint8Array {
  const hashes = aliveAt(shape, linear).map((c) => blake3(bytesOf(c, carries.get(c.name)!)));
  return blake3(join(hashes), { context: context('carry') });
}

/** x_ℓ of what linear ℓ starts from. */
export function stateHashOf(shape: Shape, linear: number, { a, carries }: State): Uint8Array {
  const hashes = [blake3(new Uint8Array(a)), carriesHashOf(shape, linear, carries)];
  return blake3(join(hashes), { context: context('state') });
}

/** An entry of a table's row. */
function entry({ width, wide }: Table, bytes: Uint8Array, token: number, column: number): number {
  const at = wide * (token * width + column);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return wide === 1 ? view.getInt8(at) : view.getInt16(at, true);
}

/** Inputs of segment ℓ−1. */
function inputsOf({ manifest: m, tables, weights }: Parts, shape: Shape, step: StepInput): Tensors {
  const rows = shape.sequences * shape.tokens;
  const inputs: Tensors = new Map();
  if ('tokens' in step) {
    inputs.set('tokens', tensorFrom([shape.sequences, shape.tokens], step.tokens));
    for (const [i, table] of m.tables.entries()) {
      const row = (token: number): number[] =>
        Array.from({ length: table.width }, (_, j) => entry(table, tables[i]!, token, j));
      const data = Array.from(step.tokens, row).flat();
      inputs.set(`e${i}`, tensorFrom([rows, table.width], data));
    }
    return inputs;
  }
  const linear = step.number - 1;
  const { k, n } = m.linears[linear - 1]!;
  const product = multiplyNaively(step.a, weights[linear - 1]!, rows, k);
  inputs.set(`c${linear}`, tensorFrom([rows, n], product));
  for (const [name, values] of step.carries) inputs.set(name, tensorFrom([values.length], values));
  return inputs;
}

/**
 * What step ℓ gives: the state of linear ℓ, or after the last one the answer's rows.
 * @param segments those of `shape`
 */
export function runStep(
  model: Parts,
  step: StepInput,
  shape: Shape = model.manifest.shapes[0]!,
): State | { readonly answer: Int8Array } {
  const segment = step.number - 1;
  const graph = parseOnnx(model.segments[segment]!);
  if (typeof graph === 'string') throw new Error(graph);
  const given = inputsOf(model, shape, step);
  const inputs: Tensors = new Map(
    graph.inputs.map(({ name, dims }) => [name, { ...given.get(name)!, dims }]),
  );
  const made = interpretGraph(graph, inputs);
  if (step.number > model.manifest.linears.length)
    return { answer: Int8Array.from(made.get('answer')!.data) };
  const a = Int8Array.from(made.get(`a${step.number}`)!.data);
  const before = 'carries' in step ? step.carries : new Map<string, Int32Array>();
  const carries = aliveAt(shape, step.number).map(({ name, made: by }): [string, Int32Array] => [
    name,
    by === segment ? Int32Array.from(made.get(name)!.data) : before.get(name)!,
  ]);
  return { a, carries: new Map(carries) };
}

/** Known answer of a step: x_ℓ, or BLAKE3 of the answer's rows. */
export function answerOf(model: Parts, step: StepInput, shape?: Shape): Uint8Array {
  const found = runStep(model, step, shape);
  return 'answer' in found
    ? blake3(new Uint8Array(found.answer))
    : stateHashOf(shape ?? model.manifest.shapes[0]!, step.number, found);
}
