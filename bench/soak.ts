/**
 * `npm run -s soak`: a page that mines for a long time. Chromium, the built app, a real seed; every
 * minute what the page holds, and every few minutes a lost device: the browser's GPU process is killed.
 * Ends with 1 when memory grows faster than its bound, or mining does not come back.
 *
 *   npm run -s build && npm run -s soak -- [--minutes 30] [--losses 6] [--network e2e] [--dry]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Browser, type Page } from '@playwright/test';
import { button } from '../e2e/support/app.ts';
import { removeData, startSeed } from '../e2e/support/seed.ts';
import { network } from '../src/ui/i18n/en/network.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { CHROMIUM_FLAGS, findChromium, WEBGPU_FLAGS, WEBRTC_FLAGS } from '../test/chromium.ts';
import { median } from './measure.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    /** Minutes between two kills; 0: none. Browsers give a GPU up that dies more often. */
    losses: { type: 'string', default: '6' },
    network: { type: 'string', default: 'e2e' },
    dry: { type: 'boolean', default: false },
  },
});
const MINUTE_MS = 60_000;
const START_MS_MAX = 480_000;
/** Bounds of growth in MB an hour, between the medians of the first and the last third. */
const GROWTH_MAX = { heap: 40, processes: 400, stored: 100 } as const;

interface Sample {
  readonly minute: number;
  readonly units: number;
  readonly backend: string;
  readonly rejected: Readonly<Record<string, number>>;
  /** MB: the page's JS heap, all renderer and GPU processes in RAM, what the origin has stored. */
  readonly heap: number;
  readonly processes: number;
  readonly stored: number;
  readonly killed: number;
}
type Measured = keyof typeof GROWTH_MAX;

const MB = 1e6;

/** Processes of this browser by CDP's names. */
async function processesOf(browser: Browser): Promise<{ type: string; id: number }[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo;
}

/** Bytes in RAM, from /proc; 0 where there is none. */
function residentBytes(pid: number): number {
  try {
    const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return 1024 * Number(kb ?? 0);
  } catch {
    return 0;
  }
}

type MinerReport = Pick<Sample, 'units' | 'backend' | 'rejected'>;

/** The miner's part of the report that a person would send. */
async function readReport(page: Page): Promise<MinerReport> {
  const { make, again, all } = network.report;
  const before = await page.getByLabel(all).allInnerTexts();
  await page.getByRole('button', { name: new RegExp(`^(${make}|${again})$`) }).click();
  for (;;) {
    const [text] = await page.getByLabel(all).allInnerTexts();
    if (text && text !== before[0]) return (JSON.parse(text) as { miner: MinerReport }).miner;
    // The page's policy forbids Playwright's own polling.
    await page.waitForTimeout(500);
  }
}

async function sample(browser: Browser, page: Page, minute: number, killed: number) {
  const { units, backend, rejected } = await readReport(page);
  const session = await page.context().newCDPSession(page);
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  const processes = (await processesOf(browser)).map(({ id }) => residentBytes(id));
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  const taken: Sample = {
    minute,
    units,
    backend,
    rejected,
    killed,
    heap: usedSize / MB,
    processes: processes.reduce((sum, bytes) => sum + bytes, 0) / MB,
    stored: (usage ?? 0) / MB,
  };
  console.log(lineOf(taken));
  return taken;
}

const HEAD =
  'minute | units | backend | GPU processes killed | rejected | JS heap MB | processes MB | stored MB';
const lineOf = (s: Sample): string =>
  [
    ...[s.minute, s.units, s.backend, s.killed, JSON.stringify(s.rejected)],
    ...[s.heap, s.processes, s.stored].map((x) => x.toFixed(1)),
  ].join(' | ');

/** MB an hour between the medians of the first and the last third. */
function growthOf(samples: readonly Sample[], what: Measured): number {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const of = (some: readonly Sample[]) => ({
    at: median(some.map((s) => s.minute)),
    value: median(some.map((s) => s[what])),
  });
  const [first, last] = [of(samples.slice(0, third)), of(samples.slice(-third))];
  return (60 * (last.value - first.value)) / Math.max(1, last.at - first.at);
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ locale: 'en', serviceWorkers: 'block' });
  const page = await context.newPage();
  page.on('pageerror', (e) => console.log(`page: ${e.message}`));
  // The only adapter of a machine without a GPU is software, which is not mined on otherwise.
  await page.route('**/config.json', async (route) => {
    const response = await route.fetch();
    const json = { ...((await response.json()) as object), forceFallback: true };
    await route.fulfill({ response, json });
  });
  await page.goto(url);
  await page.locator('nav a').first().waitFor({ timeout: START_MS_MAX });
  await button(page, en.pila.start).click();
  await page.getByText(en.sentence.runningGpu).waitFor({ timeout: START_MS_MAX });
  await page.locator('nav a[href="#/network"]').click();
  return page;
}

async function soak(browser: Browser, url: string): Promise<Sample[]> {
  const page = await openPage(browser, url);
  const every = Number(values.losses);
  const minutes = Number(values.minutes);
  const samples: Sample[] = [];
  let killed = 0;
  const startedMs = Date.now();
  for (let minute = 0; minute <= minutes; minute++) {
    await page.waitForTimeout(Math.max(0, startedMs + minute * MINUTE_MS - Date.now()));
    samples.push(await sample(browser, page, minute, killed));
    // No kill near the end: mining must be seen to come back.
    if (!every || !minute || minute % every || minute > minutes - 3) continue;
    const gpu = (await processesOf(browser)).find(({ type }) => type === 'GPU');
    if (gpu) process.kill(gpu.id, 'SIGKILL');
    if (gpu) killed++;
  }
  return samples;
}

/** What went wrong, in words; nothing is good. */
function faultsOf(samples: readonly Sample[]): string[] {
  const last = samples.at(-1)!;
  const lost = last.rejected['gpu: DEVICE_LOST'] ?? 0;
  const stuck = samples.filter((s, i) => i > 2 && s.units === samples[i - 3]!.units);
  const grown = (Object.keys(GROWTH_MAX) as Measured[]).filter(
    (what) => growthOf(samples, what) > GROWTH_MAX[what],
  );
  return [
    ...grown.map((what) => `${what} grows by more than ${GROWTH_MAX[what]} MB an hour`),
    ...stuck.map((s) => `no unit in the three minutes before minute ${s.minute}`),
    ...(lost < last.killed ? [`${last.killed} devices lost, ${lost} noticed`] : []),
  ];
}

const [load] = loadavg();
const seed = await startSeed({ network: values.network });
// The page did not cause the killed process; for crashes that a page causes, browsers take WebGPU away.
const args = [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...WEBGPU_FLAGS];
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [...args, '--disable-domain-blocking-for-3d-apis', '--disable-gpu-process-crash-limit'],
});
console.log(HEAD);
let samples: Sample[] = [];
try {
  samples = await soak(browser, seed.url);
} finally {
  await browser.close();
  await seed.kill();
  removeData(seed);
}
const faults = faultsOf(samples);
const growth = (Object.keys(GROWTH_MAX) as Measured[]).map(
  (what) => `${what} ${growthOf(samples, what).toFixed(1)} (at most ${GROWTH_MAX[what]})`,
);
const result = [
  `# Soak of ${values.minutes} minutes, ${values.network}: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`,
  '',
  `\`npm run -s soak -- --minutes ${values.minutes} --losses ${values.losses} --network ${values.network}\``,
  '',
  `Chromium on its software device; load average before it began ${load!.toFixed(1)}.`,
  `MB an hour: ${growth.join(', ')}. ${faults.length ? faults.join('; ') : 'Nothing failed'}.`,
  '',
  `| ${HEAD} |`,
  `| ${HEAD.split(' | ').fill('---').join(' | ')} |`,
  ...samples.map((s) => `| ${lineOf(s)} |`),
].join('\n');
console.log(result);
if (!values.dry) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(join(import.meta.dirname, `results/${date}-soak.md`), `${result}\n`);
}
process.exit(faults.length ? 1 : 0);
