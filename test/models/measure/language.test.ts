/** A small package beside its float decoder: what a report of a language model computes, against plain loops. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { measureLanguage } from '../../../models/measure/language-jobs.ts';
import { languageFigures } from '../../../models/measure/language-figures.ts';
import { openPair, type LanguagePair } from '../../../models/measure/language.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { openLanguage, type Language } from '../../../src/miner/generator/course.ts';
import { optionsOf } from '../../../src/miner/generator/options.ts';
import { verify } from '../../../src/miner/generator/verify.ts';
import { naiveForward, SMALL, tinySequences } from '../llama/tiny-llama.ts';
import { CONTEXT, smallPair, type SmallPair } from './small-pair.ts';

let small: SmallPair;
let pair: LanguagePair;
let language: Language;
let folder: string;
beforeAll(async () => {
  small = await smallPair();
  pair = await openPair(small.llama, small.model, small.generation);
  language = await openLanguage(small.model.manifest, small.model.tables, small.generation);
  folder = mkdtempSync(join(tmpdir(), 'pila-language-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Logits of the float decoder after each of the tokens, as plain loops. */
function naiveLogits(ids: Uint32Array): number[][] {
  const { hidden } = SMALL;
  const head = small.llama.weights.head.read();
  return naiveForward(small.llama, [1, ...ids])
    .slice(1)
    .map((row) =>
      Array.from({ length: SMALL.vocabulary }, (_, v) =>
        row.reduce((sum, x, i) => sum + x * head[v * hidden + i]!, 0),
      ),
    );
}

/** Logits in nats of the package after each of the tokens, with sums in plain numbers. */
async function exactLogits(ids: Uint32Array): Promise<number[][]> {
  const { tables, manifest } = small.model;
  const backend = await createCpuBackend(small.model);
  const tokens = new Uint32Array(CONTEXT);
  tokens.set(ids);
  const shape = manifest.shapes.findIndex((s) => s.tokens === CONTEXT);
  const { answer } = await backend.pass({ shape, tokens, sigma0: undefined, limits: [] });
  await backend.close();
  const k = SMALL.hidden;
  const rows = new Int8Array(tables[0]!.slice().buffer);
  const multipliers = new Int16Array(tables[1]!.slice().buffer);
  return Array.from(ids, (_, t) =>
    Array.from({ length: SMALL.vocabulary }, (__, v) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += rows[v * k + i]! * answer[t * k + i]!;
      return (sum * multipliers[v]!) / language.generation.perNat;
    }),
  );
}

const shares = (logits: readonly number[]): number[] => {
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - most));
  const all = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / all);
};

test('a text is compared token by token as plain loops say', async () => {
  for (const length of [2, 15, 40]) {
    const [ids] = tinySequences(`held out ${length}`, 1, length) as [Uint32Array];
    const [float, exact] = [naiveLogits(ids).map(shares), (await exactLogits(ids)).map(shares)];
    const compared = await pair.compare(ids);
    for (const values of Object.values(compared)) expect(values).toHaveLength(length - 1);
    for (let t = 0; t < length - 1; t++) {
      const [f, e, next] = [float[t]!, exact[t]!, ids[t + 1]!];
      expect(compared.float[t]).toBeCloseTo(-Math.log(f[next]!), 4);
      expect(compared.exact[t]).toBeCloseTo(-Math.log(e[next]!), 6);
      const divergence = f.reduce((sum, p, i) => sum + p * Math.log(p / e[i]!), 0);
      expect(compared.divergence[t]).toBeCloseTo(divergence, 4);
      const best = (of: number[]): number => of.indexOf(Math.max(...of));
      expect(compared.same[t]).toBe(Number(best(f) === best(e)));
    }
  }
});

test('what the exact one says is the answer that the package gives, and the float one goes its own way', async () => {
  const inputs = tinySequences('asked', 10, 9);
  for (const said of [{ temperature: 0, penalty: 256, maxTokens: 20 }, { maxTokens: 12 }]) {
    const options = optionsOf(language.generation.defaults, said);
    const exact = await pair.answers('exact', inputs, said);
    const backend = await createCpuBackend(small.model);
    for (const [i, input] of inputs.entries()) {
      const claim = { input, options, answer: Uint32Array.from(exact[i]!) };
      expect(await verify(language, backend, claim)).toEqual({ right: true });
    }
    await backend.close();
  }
});

test('float answers take the best token of the float logits, each as if it were alone', async () => {
  const inputs = [...tinySequences('asked', 2, 9), ...tinySequences('shorter', 1, 4)];
  const said = { temperature: 0, penalty: 256, maxTokens: 6 };
  const answers = await pair.answers('float', inputs, said);
  for (const [i, input] of inputs.entries()) {
    const ids = [...input];
    for (const token of answers[i]!) {
      const logits = naiveLogits(Uint32Array.from(ids)).at(-1)!;
      expect(logits[token]).toBeGreaterThan(Math.max(...logits) - 1e-4);
      ids.push(token);
    }
    expect(answers[i]!.length === 6 || answers[i]!.at(-1) === 2).toBe(true);
  }
  expect(await pair.answers('float', [inputs[2]!], said)).toEqual([answers[2]]);
});

test('all is measured once, by as many lanes as there are, and kept by its key', async () => {
  const passages = [...tinySequences('passage', 3, 30), ...tinySequences('long', 2, CONTEXT)];
  const inputs = tinySequences('asked', 3, 9);
  const log: string[] = [];
  let calls = 0;
  const counted: Pick<LanguagePair, 'compare' | 'answers'> = {
    compare: (...args) => (calls++, pair.compare(...args)),
    answers: (...args) => (calls++, pair.answers(...args)),
  };
  const input = {
    passages,
    inputs,
    said: [{ temperature: 0, maxTokens: 8 }, {}],
    lanes: [counted, counted],
    kept: { folder, key: 'a pair' },
    log: (line: string) => log.push(line),
  };
  const measured = await measureLanguage(input);
  expect(calls).toBe(passages.length + 4);
  expect(log).toHaveLength(calls);
  expect(readdirSync(folder)).toHaveLength(calls);
  expect(measured.compared.map(({ float }) => float.length)).toEqual([29, 29, 29, 63, 63]);
  expect(measured.compared[3]).toEqual(await pair.compare(passages[3]!));
  expect(measured.answers[0]!.exact).toEqual(await pair.answers('exact', inputs, input.said[0]!));
  const figures = languageFigures(measured.compared);
  // Far from knowing nothing of one another.
  expect(figures.top1).toBeGreaterThan(0.7);
  expect(figures.divergence).toBeLessThan(0.03);

  const idle = { ...input, lanes: [] };
  await expect(measureLanguage({ ...idle, lanes: [counted] })).resolves.toEqual(measured);
  expect(calls).toBe(passages.length + 4);
  await measureLanguage({ ...input, kept: { folder, key: 'another pair' } });
  expect(calls).toBe(2 * (passages.length + 4));
});
