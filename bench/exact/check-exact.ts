/**
 * `npm run -s check:exact`: the ways to run a unit, every WebGPU kernel (in Chromium), the CPU backend and the
 * naive oracle, must give the same bytes. Random and extreme units, with tickets easy enough to win.
 *
 *   npm run -s check:exact -- [--units 50] [--model NAME]… [--gpu-gmac 9] [--seed text] [--dot f32]
 *
 * `--units`: of each model on the oracle and the CPU, in the shape that is mined; a tenth of them in each other shape,
 * as if it were that one.
 * `--model`: folders of models/, such as one that `npm run model:import` made, instead of all that `local` admits;
 * `mini` is generated, and has five shapes (with `--gpu-gmac 0`).
 * `--gpu-gmac`: 10^9 multiply-accumulates that each kernel does at most for the units of a model: software devices do
 * a tenth to a third of one a second. Each line says how many units that is.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { networkOf } from '../../src/client/models/networks.ts';
import { unitMacs } from '../../src/core/manifest.ts';
import { connect } from '../../src/lib/rpc.ts';
import { DOT_KINDS } from '../../src/miner/webgpu/wgsl/gemm.ts';
import { threadFailure, threadPort } from '../../src/node/contributor/thread-port.ts';
import { BrowserBackend, hasChromium } from '../../test/browser/harness.ts';
import type { PassInputJson, PassResultJson } from '../../test/browser/pass-json.ts';
import { modelOrMini } from '../../test/models/mini.ts';
import { median } from '../measure.ts';
import type { UnitsApi, UnitsAsked } from './units-worker.ts';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '50' },
    model: { type: 'string', multiple: true, default: [...networkOf('local').names] },
    'gpu-gmac': { type: 'string', default: '9' },
    seed: { type: 'string', default: 'exact' },
    dot: { type: 'string' },
  },
});
const kernels = DOT_KINDS.filter((kind) => !values.dot || kind === values.dot);
/** What each kernel does at most for the units of a model. */
const gpuMacs = Number(values['gpu-gmac']) * 1e9;
/** Rounds of `flightRatio`, and passes of each of their halves. */
const [FLIGHT_ROUNDS, FLIGHT_PASSES] = [7, 4];

interface Unit {
  readonly input: PassInputJson;
  readonly want: PassResultJson;
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
const totals = { compared: 0, differing: 0 };

function compare(what: string, got: PassResultJson, want: PassResultJson): void {
  const { compared, differing } = differences(got, want);
  totals.compared += compared;
  totals.differing += differing;
  if (differing) console.log(`${what}: ${differing} bytes differ`);
}

/** Units 0 to `count` − 1 on the oracle and the CPU, on all cores. @returns the first `kept` of them */
async function onProcessors(asked: UnitsAsked, told: string, count: number, kept: number) {
  const units: Unit[] = [];
  let winners = 0;
  let bytes = 0;
  let next = 0;
  const thread = async (): Promise<void> => {
    const url = new URL('./units-worker.ts', import.meta.url);
    const worker = new Worker(url, { workerData: asked });
    const api = connect<UnitsApi>(threadPort(worker), { failed: threadFailure(worker) });
    while (next < count) {
      const index = next++;
      const { input, want, got } = await api.unit(index);
      compare(`${told}: unit ${index}, cpu`, got, want);
      if (want.winner) winners++;
      if (index < kept) units[index] = { input, want };
    }
    bytes = await api.memory();
    await worker.terminate();
  };
  const threads = Math.min(availableParallelism(), count);
  await Promise.all(Array.from({ length: threads }, thread));
  const won = `${winners} with a winner`;
  console.log(`${told}: ${count} units on the oracle and cpu (${megabytes(bytes)}), ${won}`);
  return units;
}

/** Time of passes two in flight ÷ one by one: median of rounds that take turns. */
async function flightRatio(browser: BrowserBackend): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round < FLIGHT_ROUNDS; round++) {
    const alone = await browser.call('flight', FLIGHT_PASSES, 1);
    ratios.push((await browser.call('flight', FLIGHT_PASSES, 2)) / alone);
  }
  return median(ratios);
}

/** `units` on each kernel of one browser, two in flight at a time; where that is quick, the self-test too. */
async function onKernels(name: string, units: readonly Unit[], isQuick: boolean): Promise<void> {
  if (!hasChromium()) throw new Error('no Chromium: set CHROMIUM_PATH');
  const browser = await BrowserBackend.open();
  try {
    for (const dot of kernels) {
      const device = await browser.call('open', name, { dot });
      if (isQuick) await browser.call('selfTest');
      for (let i = 0; i < units.length; i += 2) {
        const two = units.slice(i, i + 2);
        const got = await Promise.all(
          two.map(({ input }, j) => browser.call('pass', input, 1 + j)),
        );
        two.forEach(({ want }, j) => compare(`${name}: unit ${i + j}, ${dot}`, got[j]!, want));
      }
      const bytes = megabytes(await browser.call('memory'));
      const more = isQuick
        ? `self-test; two passes in flight ${(await flightRatio(browser)).toFixed(2)} of one by one`
        : 'no self-test';
      console.log(
        `${name}: ${units.length} of ${values.units} units on webgpu, ${dot} (${device}; ${bytes}); ${more}`,
      );
    }
  } finally {
    await browser.close();
  }
}

const units = Number(values.units);
for (const name of values.model) {
  const { manifest } = await modelOrMini(name);
  const macs = Number(unitMacs(manifest));
  const gpuUnits = Math.min(units, Math.floor(gpuMacs / macs));
  for (const [place, { sequences, tokens }] of manifest.shapes.entries()) {
    const asked = { name, place, seed: values.seed };
    const told = `${name} ${sequences}×${tokens}`;
    const first = await onProcessors(
      asked,
      told,
      place ? Math.ceil(units / 10) : units,
      place ? 0 : gpuUnits,
    );
    if (first.length)
      await onKernels(name, first, 2 * FLIGHT_ROUNDS * FLIGHT_PASSES * macs <= gpuMacs);
    else if (!place) console.log(`${name}: 0 of ${units} units on webgpu`);
  }
}
console.log(`${totals.compared} bytes compared`);
console.log(`differing bytes: ${totals.differing}`);
process.exit(totals.differing ? 1 : 0);
