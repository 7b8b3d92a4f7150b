/**
 * `npm run -s check:exact`: the ways to run a unit, every WebGPU kernel (in Chromium), the CPU backend and the
 * naive oracle, must give the same bytes. Random and extreme units, with tickets easy enough to win.
 *
 *   npm run -s check:exact -- [--units 200] [--lingua 5] [--gpu 200] [--gpu-lingua 2]
 *     [--package NAME --package-units 5] [--seed text] [--dot f32]
 *
 * `--gpu` and `--gpu-lingua`: of these units, how many each kernel runs too; software devices are slow.
 * `--package`: another folder of models/, such as one that `npm run model:import` made, in each of its shapes as if it
 * were the one that is mined; `mini` is generated, and has five shapes (with `--gpu-lingua 0`).
 */
import { parseArgs } from 'node:util';
import { unitLinears } from '../src/core/manifest.ts';
import { tokensOf } from '../src/core/pow/seed.ts';
import { tileCount } from '../src/core/pow/transcript.ts';
import {
  inShape,
  type ModelPackage,
  type PassInput,
  type PassResult,
} from '../src/miner/engine/backend.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import { DOT_KINDS } from '../src/miner/webgpu/wgsl/gemm.ts';
import { BrowserBackend, hasChromium } from '../test/browser/harness.ts';
import { inputToJson, resultToJson, type PassResultJson } from '../test/browser/pass-json.ts';
import { miniModel } from '../test/models/mini.ts';
import { readModel } from '../test/oracle/models.ts';
import { createOracle, type Oracle } from '../test/oracle/oracle-backend.ts';
import { randomBytes } from '../test/oracle/random.ts';
import { median } from './measure.ts';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '200' },
    lingua: { type: 'string', default: '5' },
    gpu: { type: 'string', default: '200' },
    'gpu-lingua': { type: 'string', default: '2' },
    package: { type: 'string' },
    'package-units': { type: 'string', default: '5' },
    seed: { type: 'string', default: 'exact' },
    dot: { type: 'string' },
  },
});
const kernels = DOT_KINDS.filter((kind) => !values.dot || kind === values.dot);
const TICKET_MAX = (1n << 256n) - 1n;

/** Tokens of a question at the edges: padding alone, the highest id alone, no padding; or padded somewhere. */
function questionOf(seed: string, index: number, m: ModelPackage['manifest']): Uint32Array {
  const tokens = tokensOf(randomBytes(`${seed} question`, 32), m);
  const edges = [tokens, tokens.map(() => 0), tokens.map(() => m.vocabulary - 1)];
  return edges[index % 6] ?? tokens.fill(0, 1 + (tokens[0]! % tokens.length));
}

/** Unit `index`: fresh tokens or a question's, noisy or plain, with a limit that none, few, or all tiles meet. */
function unitOf(model: ModelPackage, index: number): PassInput {
  const { manifest } = model;
  const seed = `${values.seed} ${manifest.name} ${index}`;
  const sigma0 = randomBytes(seed, 32);
  const tiles = BigInt(unitLinears(manifest).reduce((sum, l) => sum + tileCount(l), 0));
  const limits = [0n, TICKET_MAX / (2n * tiles), TICKET_MAX / tiles, TICKET_MAX / 3n, TICKET_MAX];
  const plain = index % 11 === 7;
  return {
    tokens:
      index % 3 === 1
        ? questionOf(seed, Math.floor(index / 3), manifest)
        : tokensOf(sigma0, manifest),
    sigma0: plain ? undefined : sigma0,
    limits: plain ? [] : manifest.linears.map(() => limits[index % limits.length]!),
    capture: 1 + (index % manifest.linears.length),
  };
}

/**
 * The oracle's result, and a harder question: limits that are exactly one tile's ticket, or one
 * less, so that every comparison of 256 bits counts.
 */
async function askOracle(oracle: Oracle, input: PassInput, index: number) {
  const found = await oracle.pass(input);
  const limits = found.tickets.map((tickets) => {
    const sorted = tickets.toSorted((x, y) => (x < y ? -1 : 1));
    return sorted[index % 4]! - BigInt(index % 2);
  });
  const linear = found.tickets.findIndex((list, l) => list.some((t) => t <= limits[l]!));
  const tile = found.tickets[linear]?.findIndex((t) => t <= limits[linear]!) ?? -1;
  const result: PassResult = {
    x: found.x,
    a: found.a,
    y: found.y,
    t: found.t,
    winner: linear < 0 ? undefined : { linear: linear + 1, tile },
    answer: found.answer,
    captured: found.operands[input.capture! - 1],
  };
  return { input: { ...input, limits }, result: resultToJson(result) };
}

const textOf = (x: unknown): string => (typeof x === 'string' ? x : (JSON.stringify(x) ?? ''));

/** Bytes of `got` that differ from `want` over all fields, and how many there are. */
function differences(got: PassResultJson, want: PassResultJson) {
  let compared = 0;
  let differing = 0;
  for (const key of Object.keys(want) as (keyof PassResultJson)[]) {
    const [x, y] = [textOf(got[key]), textOf(want[key])];
    compared += Math.ceil(y.length / 2);
    for (let i = 0; i < Math.max(x.length, y.length); i += 2)
      if (x.slice(i, i + 2) !== y.slice(i, i + 2)) differing++;
    if (x !== y) console.log(`  ${key} differs`);
  }
  return { compared, differing };
}

const MB = 1e6;
const megabytes = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`;

/** `gpuUnits` of the first `units`: on each kernel too. Gives the number of bytes that differ. */
async function checkModel(name: string, units: number, gpuUnits: number): Promise<number> {
  const model = name === 'mini' ? await miniModel() : await readModel(name);
  let found = 0;
  for (const [place, { sequences, tokens }] of model.manifest.shapes.entries()) {
    const told = place ? `${name} ${sequences}×${tokens}` : name;
    // Devices open packages by name, and run the shape that is mined.
    found += await checkShape(told, inShape(model, place), units, place ? 0 : gpuUnits);
  }
  return found;
}

async function checkShape(
  name: string,
  model: ModelPackage,
  units: number,
  gpuUnits: number,
): Promise<number> {
  const cpu = await createCpuBackend(model);
  const oracle = await createOracle(model);
  const totals = { compared: 0, differing: 0, winners: 0 };
  const compare = (what: string, got: PassResultJson, want: PassResultJson): void => {
    const { compared, differing } = differences(got, want);
    totals.compared += compared;
    totals.differing += differing;
    if (differing) console.log(`${name} ${what}: ${differing} bytes differ`);
  };
  const asked: { input: PassInput; want: PassResultJson }[] = [];
  for (let i = 0; i < units; i++) {
    const { input, result: want } = await askOracle(oracle, unitOf(model, i), i);
    compare(`unit ${i}, cpu`, resultToJson(await cpu.pass(input)), want);
    if (i < gpuUnits) asked.push({ input, want });
    if (want.winner) totals.winners++;
    if ((i + 1) % 1000 === 0)
      console.log(`${name}: ${i + 1} units, ${totals.differing} bytes differ`);
  }
  console.log(`${name}: ${units} units on the oracle and cpu (${megabytes(cpu.memoryBytes())})`);
  await cpu.close();
  await oracle.close();
  if (asked.length) await onKernels(name, asked, compare);
  console.log(`${name}: ${totals.winners} with a winner, ${totals.compared} bytes compared`);
  return totals.differing;
}

/** Time of passes two in flight ÷ one by one: median of rounds that take turns. */
async function flightRatio(browser: BrowserBackend): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round < 7; round++) {
    const alone = await browser.call('flight', 4, 1);
    ratios.push((await browser.call('flight', 4, 2)) / alone);
  }
  return median(ratios);
}

/** The same units on each kernel of one browser, two in flight at a time. */
async function onKernels(
  name: string,
  asked: readonly { readonly input: PassInput; readonly want: PassResultJson }[],
  compare: (what: string, got: PassResultJson, want: PassResultJson) => void,
): Promise<void> {
  if (!hasChromium()) throw new Error('no Chromium: set CHROMIUM_PATH');
  const browser = await BrowserBackend.open();
  try {
    for (const dot of kernels) {
      const device = await browser.call('open', name, { dot });
      await browser.call('selfTest');
      for (let i = 0; i < asked.length; i += 2) {
        const two = asked.slice(i, i + 2);
        const got = await Promise.all(
          two.map(({ input }, j) => browser.call('pass', inputToJson(input), 1 + j)),
        );
        two.forEach(({ want }, j) => compare(`unit ${i + j}, ${dot}`, got[j]!, want));
      }
      const ratio = (await flightRatio(browser)).toFixed(2);
      console.log(`${name}: with two passes in flight ${ratio} of the time of one by one, ${dot}`);
      const bytes = megabytes(await browser.call('memory'));
      console.log(`${name}: ${asked.length} units on webgpu, ${dot} (${device}; ${bytes})`);
    }
  } finally {
    await browser.close();
  }
}

let differing = await checkModel('tiny', Number(values.units), Number(values.gpu));
differing += await checkModel('lingua', Number(values.lingua), Number(values['gpu-lingua']));
if (values.package) {
  const units = Number(values['package-units']);
  differing += await checkModel(
    values.package,
    units,
    Math.min(units, Number(values['gpu-lingua'])),
  );
}
console.log(`differing bytes: ${differing}`);
process.exit(differing ? 1 : 0);
