/** The table of a language model's head lies in memory once: as the head's weights, out of which segment 0 gets rows. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { copied } from '../../../src/miner/cpu/tables.ts';
import type { Backend } from '../../../src/miner/engine/backend.ts';
import { createHead } from '../../../src/miner/generator/head.ts';
import { DECODER_SMALL, decoderPackage } from '../../models/decoder.ts';
import { createRandom } from '../../sim/random.ts';

const MODEL = decoderPackage({ ...DECODER_SMALL, tokens: 16 });
const { manifest, tables } = MODEL;
const { vocabulary, answerSize } = manifest;
const PLAIN = { sigma0: undefined, limits: [] };

let backend: Backend;
beforeAll(async () => {
  backend = await createCpuBackend(MODEL);
});

describe('the rows of the head', () => {
  it('are those of the table, each by itself and all together', () => {
    expect(vocabulary % 16).not.toBe(0);
    const { kernel, weights } = backend.rows!(0)!;
    const to = kernel.reserve(vocabulary * answerSize);
    for (let row = 0; row < vocabulary; row++)
      kernel.copyRow(answerSize, weights, row, to + row * answerSize);
    const rows = new Uint8Array(kernel.memory.buffer, to, vocabulary * answerSize);
    expect(rows).toEqual(tables[0]);
    const placed = tables.map((_, i) => backend.rows!(i));
    const read = copied(placed, manifest, tables);
    expect(read[0]).toEqual(tables[0]);
    expect(read[1]).toBe(tables[1]);
  });

  it('give the logits that a head of its own gives', async () => {
    const head = { rows: 0, multipliers: 1, column: 0 };
    const answer = Int8Array.from({ length: 3 * answerSize }, (_, i) => ((i * 37) % 255) - 127);
    const logits = async (placed?: Parameters<typeof createHead>[3]): Promise<number[][]> => {
      const made = await createHead(manifest, { head }, tables, placed);
      const found: number[][] = [];
      await made.each(answer, (row) => void found.push([...row]));
      return found;
    };
    expect(await logits((i) => backend.rows!(i))).toEqual(await logits());
  });

  it('are what a pass reads: as it does on ONNX Runtime, which reads the table', async () => {
    const other = await createCpuBackend(MODEL, { runtimeOnly: true });
    const random = createRandom(4, 'tables');
    const count = DECODER_SMALL.sequences * 16;
    const tokens = Uint32Array.from({ length: count }, () => random.int(0, vocabulary - 1));
    tokens[3] = vocabulary - 1;
    const { answer } = await backend.pass({ ...PLAIN, tokens });
    expect(answer).toEqual((await other.pass({ ...PLAIN, tokens })).answer);
    await other.close();
  });

  it('are not placed where one is outside the weights’ bounds', async () => {
    const odd = tables[0]!.slice();
    odd[77] = 64;
    const other = await createCpuBackend({ ...MODEL, tables: [odd, ...tables.slice(1)] });
    expect(other.rows!(0)).toBeUndefined();
    await other.close();
  });
});
