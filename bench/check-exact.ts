/**
 * Exactness of the three ways to run a unit: WebGPU (in Chromium), the CPU backend and the naive
 * oracle must give the same bytes. Random and extreme units, with tickets easy enough to win.
 * Usage: node bench/check-exact.ts [--units 200] [--lingua 5] [--seed text] [--dot i32]
 */
import { parseArgs } from 'node:util';
import { tokensOf } from '../src/core/pow/seed.ts';
import type { ModelPackage, PassInput, PassResult } from '../src/miner/backend.ts';
import { createCpuBackend } from '../src/miner/cpu.ts';
import { DOT_KINDS, type DotKind } from '../src/miner/wgsl/gemm.ts';
import { BrowserBackend, hasChromium } from '../test/browser/harness.ts';
import { inputToJson, resultToJson, type PassResultJson } from '../test/browser/pass-json.ts';
import { readModel } from '../test/oracle/models.ts';
import { createOracle, type Oracle } from '../test/oracle/oracle-backend.ts';
import { randomBytes } from '../test/oracle/random.ts';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '200' },
    lingua: { type: 'string', default: '5' },
    seed: { type: 'string', default: 'exact' },
    dot: { type: 'string' },
  },
});
const TICKET_MAX = (1n << 256n) - 1n;

/** Requests at the edges: empty, all of one byte, the full length; or random. */
function requestOf(seed: string, index: number, m: ModelPackage['manifest']): Uint8Array {
  const full = (m.sequences - 1) * m.tokens;
  const random = randomBytes(`${seed} request`, full);
  const edges = [new Uint8Array(), random, new Uint8Array(full), new Uint8Array(full).fill(255)];
  return edges[index % 6] ?? random.slice(0, 1 + (random[0]! % full));
}

/** Unit `index`: idle or a job, noisy or plain, with a limit that none, few, or all tiles meet. */
function unitOf(model: ModelPackage, index: number): PassInput {
  const { manifest } = model;
  const seed = `${values.seed} ${manifest.name} ${index}`;
  const sigma0 = randomBytes(seed, 32);
  const request = index % 3 === 1 ? requestOf(seed, Math.floor(index / 3), manifest) : undefined;
  const tiles = BigInt(manifest.linears.reduce((sum, l) => sum + (l.m / 16) * (l.n / 16), 0));
  const limits = [0n, TICKET_MAX / (2n * tiles), TICKET_MAX / tiles, TICKET_MAX / 3n, TICKET_MAX];
  const plain = index % 11 === 7;
  return {
    tokens: tokensOf(sigma0, manifest, request),
    sigma0: plain ? undefined : sigma0,
    limits: plain ? [] : manifest.linears.map(() => limits[index % limits.length]!),
    // Always: its hash covers the last product, which nothing else does bit by bit.
    job: true,
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
    a: found.a,
    t: found.t,
    winner: linear < 0 ? undefined : { linear: linear + 1, tile },
    answer: found.answer,
    execution: found.execution,
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

async function checkModel(browser: BrowserBackend, name: 'tiny' | 'lingua', units: number) {
  const model = await readModel(name);
  const dot: DotKind | undefined = DOT_KINDS.find((kind) => kind === values.dot);
  const device = await browser.call('open', name, dot ? { dot } : {});
  await browser.call('selfTest');
  const cpu = await createCpuBackend(model);
  const oracle = await createOracle(model);
  const totals = { compared: 0, differing: 0, winners: 0 };
  const compare = (index: number, got: PassResultJson, want: PassResultJson): void => {
    const { compared, differing } = differences(got, want);
    totals.compared += compared;
    totals.differing += differing;
    if (differing) console.log(`${name} unit ${index}: ${differing} bytes differ`);
  };
  for (let i = 0; i < units; i++) {
    const { input, result } = await askOracle(oracle, unitOf(model, i), i);
    const want = resultToJson(await cpu.pass(input));
    compare(i, await browser.call('pass', inputToJson(input)), want);
    compare(i, result, want);
    if (want.winner) totals.winners++;
  }
  await cpu.close();
  await oracle.close();
  console.log(
    `${name}: ${units} units on the oracle, cpu and webgpu (${device}), ` +
      `${totals.winners} with a winner, ${totals.compared} bytes compared`,
  );
  return totals.differing;
}

if (!hasChromium()) throw new Error('no Chromium: set CHROMIUM_PATH');
const browser = await BrowserBackend.open();
let differing = 0;
try {
  if (Number(values.units)) differing += await checkModel(browser, 'tiny', Number(values.units));
  if (Number(values.lingua))
    differing += await checkModel(browser, 'lingua', Number(values.lingua));
} finally {
  await browser.close();
}
console.log(`differing bytes: ${differing}`);
process.exit(differing ? 1 : 0);
