/**
 * `npm run -s bench:inp`: how fast a page answers a person while it mines. Chromium, the built app, a
 * real seed; real clicks and keys through its screens, timed by the browser's own Event Timing. Mining on
 * the processor, on all its cores and on WebGPU at each intensity, and not mining for comparison. Ends with 1 when the
 * 98th percentile (INP) is over 200 ms anywhere while it is not so without mining.
 *
 *   npm run -s build && npm run -s bench:inp -- [--seconds 20] [--network local] [--dry]
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { button, changeConfig, indexLine } from '../../e2e/support/app.ts';
import { removeData, startSeed } from '../../e2e/support/seed.ts';
import { INTENSITIES, type Intensity } from '../../src/client/mining/work-policy.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import {
  CHROMIUM_FLAGS,
  findChromium,
  NO_WEBGPU_FLAGS,
  WEBGPU_FLAGS,
  WEBRTC_FLAGS,
} from '../../test/chromium.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    /** `e2e` has tiny. */
    network: { type: 'string', default: 'local' },
    /** What is mined with; a page comes to `minilm` once it is fetched. */
    model: { type: 'string', default: 'minilm' },
    /** Print only. */
    dry: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
/** ms that are called good for INP. */
const GOOD_MS = 200;
/** ms between two inputs: a quick person's. */
const PACE_MS = 150;
/** ms: Event Timing does not report faster events. */
const UNREPORTED_MS = 16;
const START_MS_MAX = 240_000;

const { runningCpu, runningGpu } = en.sentence;
/** Flags, what is changed of the configuration, and what the page says once it mines. */
const BACKENDS = {
  cpu: [NO_WEBGPU_FLAGS, { threads: 1 }, runningCpu],
  // More threads than a page takes by default, when it leaves one core for itself.
  [`cpu, ${cpus().length} threads`]: [NO_WEBGPU_FLAGS, { threads: cpus().length }, runningCpu],
  // The only adapter of a machine without a GPU is software, which is not mined on otherwise.
  webgpu: [WEBGPU_FLAGS, { forceFallback: true }, runningGpu],
} as const;

interface Row {
  readonly backend: string;
  readonly intensity: string;
  readonly inputs: number;
  readonly medianMs: number;
  readonly p98Ms: number;
  readonly worstMs: number;
  readonly units: number;
  /** Whether the page slowed work by itself. */
  readonly slowed: boolean;
}

/** In the page: the longest event of each interaction, as INP counts it. */
function watchEvents(): void {
  const longest = new Map<number, number>();
  Object.assign(globalThis, { longest });
  type Timing = PerformanceEntry & { interactionId: number };
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries() as Timing[])
      if (interactionId)
        longest.set(interactionId, Math.max(duration, longest.get(interactionId) ?? 0));
  }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
}

const unitsOf = async (page: Page): Promise<number> => {
  const [, units] = /● (\d+)/.exec(await page.title()) ?? [];
  return Number(units ?? 0);
};

/** Through places, languages and a text field, until the time is over. Gives the number of inputs. */
async function useApp(page: Page): Promise<number> {
  const place = (name: keyof typeof en.nav) => page.locator(`nav a[href="#/${name}"]`);
  const acts = [
    () => place('network').click(),
    () => page.locator('input[type="search"], main input').first().press('a'),
    () => button(page, 'IT').click(),
    () => button(page, 'EN').click(),
    () => place('wallet').click(),
    () => place('settings').click(),
    () => page.locator('input[name="theme"]').nth(2).click(),
    () => page.locator('input[name="theme"]').nth(0).click(),
    () => page.locator('nav a').first().click(),
  ];
  let inputs = 0;
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; inputs++) {
    await acts[inputs % acts.length]!();
    await page.waitForTimeout(PACE_MS);
  }
  await button(page, 'EN').click();
  await page.locator('nav a').first().click();
  return inputs + 2;
}

async function measure(page: Page, backend: string, intensity: string): Promise<Row> {
  await page.evaluate('longest.clear()');
  const before = await unitsOf(page);
  const inputs = await useApp(page);
  // The last events are reported after the frame that they led to.
  await page.waitForTimeout(1000);
  const reported = await page.evaluate<number[]>('[...longest.values()]');
  const all = [
    ...reported,
    ...Array<number>(Math.max(0, inputs - reported.length)).fill(UNREPORTED_MS),
  ];
  all.sort((a, b) => a - b);
  const at = (share: number): number =>
    all[Math.min(all.length - 1, Math.floor(share * all.length))]!;
  return {
    backend,
    intensity,
    inputs,
    medianMs: at(0.5),
    p98Ms: at(0.98),
    worstMs: all.at(-1)!,
    units: (await unitsOf(page)) - before,
    slowed: await page.getByText(en.care.reasons.frames).isVisible(),
  };
}

async function choose(page: Page, intensity: Intensity): Promise<void> {
  await page.locator('nav a[href="#/settings"]').click();
  await page.getByLabel(en.care.intensities[intensity](`${intensity}%`)).check();
  await page.locator('nav a').first().click();
}

async function measureBackend(name: string, url: string): Promise<Row[]> {
  const [flags, change, running] = BACKENDS[name]!;
  const args = [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...flags];
  const browser = await chromium.launch({ executablePath: findChromium(), args });
  try {
    const context = await browser.newContext({ locale: 'en', serviceWorkers: 'block' });
    const page = await context.newPage();
    await page.addInitScript(watchEvents);
    await changeConfig(page, change);
    await page.goto(url);
    await page.locator('nav a').first().waitFor();
    const rows = [await measure(page, name, 'not mining')];
    await button(page, en.pila.start).click();
    await page.getByText(running).waitFor({ timeout: START_MS_MAX });
    // The page's policy forbids Playwright's own polling.
    const model = indexLine(page, en.pila.model);
    while (!(await model.textContent())?.includes(values.model)) await page.waitForTimeout(200);
    while ((await unitsOf(page)) === 0) await page.waitForTimeout(200);
    for (const intensity of INTENSITIES) {
      await choose(page, intensity);
      rows.push(await measure(page, name, `${intensity} %`));
    }
    return rows;
  } finally {
    await browser.close();
  }
}

const cells = (row: Row): string =>
  [
    ...[row.backend, row.intensity, row.inputs, row.medianMs, row.p98Ms, row.worstMs],
    ...[(row.units / seconds).toFixed(1), row.slowed ? 'yes' : 'no'],
  ].join(' | ');

/** Load average of the minute before: what else the machine did. */
const [load] = loadavg();
const seed = await startSeed({ network: values.network });
const rows: Row[] = [];
try {
  for (const name of Object.keys(BACKENDS)) rows.push(...(await measureBackend(name, seed.url)));
} finally {
  await seed.kill();
  removeData(seed);
}
const head =
  'backend | intensity | inputs | median ms | p98 ms | worst ms | units/s | slowed itself';
const report = [
  `# INP while mining ${values.model}: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`,
  '',
  `Load average before it began: ${load!.toFixed(1)}. Each row took ${seconds} s.`,
  '',
  `| ${head} |`,
  `| ${head.split(' | ').fill('---').join(' | ')} |`,
  ...rows.map((row) => `| ${cells(row)} |`),
].join('\n');
console.log(report);
const mining = rows.filter((row) => row.intensity !== 'not mining');
const idle = Math.max(...rows.filter((row) => row.intensity === 'not mining').map((r) => r.p98Ms));
const worst = Math.max(...mining.map((row) => row.p98Ms));
console.log(`\nINP while mining at most ${worst} ms, not mining ${idle} ms; good is ${GOOD_MS} ms`);
if (!values.dry) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(join(import.meta.dirname, `../results/${date}-inp.md`), `${report}\n`);
}
process.exit(worst > GOOD_MS && idle <= GOOD_MS ? 1 : 0);
