/** Rows of passes and of steps of one backend, compared: test and check:llm. */
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import type { StepEngine } from '../../../src/miner/generator/stepper.ts';

/** What a pass or a step has made of a token: the operands of all linears, then the answer. */
export type Row = readonly Int8Array[];

/** A backend with steps that give rows. */
export interface Stepping {
  readonly model: ModelPackage;
  readonly backend: Backend;
  readonly engine: StepEngine;
  step(requests: readonly (readonly [conversation: number, token: number])[]): Promise<Row[]>;
}

export async function openStepping(
  model: ModelPackage,
  size: { readonly together: number; readonly conversations: number },
): Promise<Stepping> {
  const backend = await createCpuBackend(model);
  const operands: Int8Array[][] = [];
  const engine = await backend.steps!({
    ...size,
    onOperand: (_, a, order) => {
      const rows = rowsOf(a, order.length);
      operands.push(order.map((__, i) => rows[order.indexOf(i)]!));
    },
  });
  return {
    model,
    backend,
    engine,
    step: async (requests) => {
      operands.length = 0;
      const given = requests.map(([conversation, token]) => ({ conversation, token }));
      const answers = rowsOf(await engine.step(given), requests.length);
      return answers.map((answer, i) => [...operands.map((rows) => rows[i]!), answer]);
    },
  };
}

const rowsOf = (all: Int8Array, count: number): Int8Array[] =>
  Array.from({ length: count }, (_, i) =>
    all.slice((i * all.length) / count, ((i + 1) * all.length) / count),
  );

/** Rows of all tokens of texts, by passes in that shape of the manifest: shorter texts are padded behind. */
export async function passRows(
  { model: { manifest }, backend }: Pick<Stepping, 'model' | 'backend'>,
  texts: readonly (readonly number[])[],
  shape: number,
): Promise<Row[][]> {
  const { tokens: length } = manifest.shapes[shape]!;
  const tokens = new Uint32Array(texts.length * length);
  for (const [i, text] of texts.entries()) tokens.set(text, i * length);
  const parts: Int8Array[][] = [];
  const onOperand = (_: number, a: Int8Array) => void parts.push(rowsOf(a, tokens.length));
  const plain = { sigma0: undefined, limits: [] };
  const { answer } = await backend.pass({ ...plain, tokens, shape, onOperand });
  parts.push(rowsOf(answer, tokens.length));
  return texts.map((text, i) => text.map((_, at) => parts.map((rows) => rows[i * length + at]!)));
}

/** Entries in which rows differ. */
export function differing(a: Row, b: Row): number {
  return a.reduce(
    (sum, x, i) => sum + x.reduce((found, entry, j) => found + Number(entry !== b[i]![j]), 0),
    0,
  );
}
