/** A text of 12 tokens alone: a plain pass of the shortest shape that holds it, beside the float encoder. */
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { createFloat } from '../contest.ts';
import { createEncoder, SHAPES } from '../encoders.ts';
import { cpuMs, median } from '../measure.ts';

const TOKENS = 12;
/** Shape that the text is filled up to. */
const PADDED = 16;
const WARM = 5;

export interface ShortFigures {
  readonly ms: number;
  readonly floatMs: number;
  /** Pass ÷ float encoder, median of the rounds' ratios. */
  readonly ratio: number;
}

export async function measureShort(rounds: number): Promise<ShortFigures> {
  const encoder = await createEncoder(SHAPES.minilm!, 512, [{ sequences: 1, tokens: PADDED }]);
  const float = await createFloat(encoder, { sequences: 1, tokens: TOKENS });
  const backend = await createCpuBackend(encoder.model);
  const tokens = new Uint32Array(PADDED);
  for (let i = 0; i < TOKENS; i++) tokens[i] = 1 + 37 * i;
  const found: { ms: number; floatMs: number }[] = [];
  for (let i = -WARM; i < rounds; i++) {
    const floatMs = await float.run();
    const started = cpuMs();
    await backend.pass({ shape: 1, tokens, sigma0: undefined, limits: [] });
    if (i >= 0) found.push({ ms: cpuMs() - started, floatMs });
  }
  await float.close();
  await backend.close();
  return {
    ms: median(found.map((x) => x.ms)),
    floatMs: median(found.map((x) => x.floatMs)),
    ratio: median(found.map((x) => x.ms / x.floatMs)),
  };
}
