/** The default model of the local network in a browser without WebGPU: the processor does it. */
import { expect, test } from '@playwright/test';
import { CHROMIUM_FLAGS, WEBRTC_FLAGS, findChromium } from '../test/chromium.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { button, changeConfig, figure, minedBy, readAddress, valueOf } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

/** ms from the click to coins; the goal is 60 s on a machine that does nothing else. */
const FIRST_MS_MAX = 90_000;

test.use({
  launchOptions: {
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, '--disable-features=WebGPU,WebGPUService'],
  },
});

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'local' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

test('lingua on the processor: unit, block, proven balance soon after the click', async ({
  page,
}) => {
  await page.goto(seed.url);
  const clickedMs = Date.now();
  const left = () => ({ timeout: Math.max(1, clickedMs + FIRST_MS_MAX - Date.now()) });
  await button(page, en.pila.start).click();
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/, left());
  const unitMs = Date.now() - clickedMs;
  await expect(valueOf(page, en.pila.blocks)).toHaveText(/[1-9]/, left());
  const blockMs = Date.now() - clickedMs;
  await expect(figure(page, en.pila.balance)).toContainText(/[1-9]\d*\.\d{4} VLT/, left());
  const provenMs = Date.now() - clickedMs;
  console.log(`lingua, ms after the click: unit ${unitMs}, block ${blockMs}, proven ${provenMs}`);
  await expect(page.getByText(en.reasons.noGpu(en.errors.NO_WEBGPU))).toBeVisible();
  await expect(figure(page, en.pila.rate)).toContainText(en.pila.backendCpu);
  await expect(page.getByText(en.sentence.runningCpu)).toBeVisible();
  await page.screenshot({ path: test.info().outputPath('lingua.png'), fullPage: true });
  // The seed replays each block in full before it has it.
  const address = await readAddress(page);
  await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(0);
});

// A service worker would fetch the configuration past us.
test.describe('with more cores', () => {
  test.use({ serviceWorkers: 'block' });
  test('two threads of the processor work, and their blocks are taken', async ({ page }) => {
    await changeConfig(page, { threads: 2 });
    await page.goto(seed.url);
    await button(page, en.pila.start).click();
    await expect(figure(page, en.pila.rate)).toContainText('WebAssembly SIMD, 2 threads');
    const lanes = () =>
      page.workers().filter((worker) => /miner\.worker/.test(worker.url())).length;
    expect(lanes()).toBe(2);
    await expect(valueOf(page, en.pila.blocks)).toHaveText(/[1-9]/, { timeout: 60_000 });
    const address = await readAddress(page);
    await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(0);
  });
});
