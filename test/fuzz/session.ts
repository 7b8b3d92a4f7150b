/** One segment on ONNX Runtime with the options that are pinned for mining, in Node or in a page. */
import * as ort from 'onnxruntime-web/webgpu';
import { createSession, type SegmentOptions } from '../../src/miner/engine/segments.ts';

/** As JSON: what a page gets and gives. */
export interface Task {
  readonly segment: string;
  readonly runs: readonly Readonly<Record<string, readonly number[]>>[];
}
export type Outputs = Readonly<Record<string, ArrayLike<number>>>;

export const toBase64 = (bytes: Uint8Array): string => {
  let text = '';
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
};
const fromBase64 = (text: string): Uint8Array =>
  Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Outputs of each run. @throws AppError MODEL_REFUSED where ONNX Runtime does not take the segment */
export async function runTask(task: Task, options: SegmentOptions): Promise<Outputs[]> {
  const session = await createSession(fromBase64(task.segment), 0, options);
  try {
    const results: Outputs[] = [];
    for (const run of task.runs) {
      const feeds = Object.fromEntries(
        session.inputMetadata.map((meta) => {
          if (!meta.isTensor) throw new Error(`${meta.name} is no tensor`);
          const values = run[meta.name]!;
          const data = meta.type === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
          const dims = meta.shape.map(Number);
          return [meta.name, new ort.Tensor(meta.type as 'int32', data as Int32Array, dims)];
        }),
      );
      results.push(await read(await session.run(feeds)));
    }
    return results;
  } finally {
    await session.release();
  }
}

async function read(results: ort.InferenceSession.ReturnType): Promise<Outputs> {
  const outputs: Record<string, number[]> = {};
  for (const [name, tensor] of Object.entries(results)) {
    outputs[name] = Array.from((await tensor.getData()) as Float32Array);
    tensor.dispose();
  }
  return outputs;
}
