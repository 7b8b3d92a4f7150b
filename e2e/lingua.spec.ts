/** The default model of the local network in a browser without WebGPU: the processor does it. */
import { expect, test, type BrowserContext } from '@playwright/test';
import { CHROMIUM_FLAGS, NO_WEBGPU_FLAGS, WEBRTC_FLAGS, findChromium } from '../test/chromium.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { button, changeConfig, figure, minedBy, readAddress, valueOf } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.use({
  launchOptions: {
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...NO_WEBGPU_FLAGS],
  },
});

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'local' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** Files of ONNX Runtime: its wasm, and the code of ours that brings it. */
const RUNTIME = /\/assets\/(ort|segments|runtime)[^/]*$/;

/** Paths that anything in the browser fetches from now on, a service worker too. */
function watch(context: BrowserContext): string[] {
  const paths: string[] = [];
  context.on('request', (request) => paths.push(new URL(request.url()).pathname));
  return paths;
}

test('lingua on the processor: unit, block, proven balance soon after the click', async ({
  page,
  context,
}) => {
  const paths = watch(context);
  await page.goto(seed.url);
  const clickedMs = Date.now();
  await button(page, en.pila.start).click();
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
  const unitMs = Date.now() - clickedMs;
  await expect(valueOf(page, en.pila.blocks)).toHaveText(/[1-9]/);
  const blockMs = Date.now() - clickedMs;
  await expect(figure(page, en.pila.balance)).toContainText(/[1-9]\d*\.\d{4} VLT/);
  const provenMs = Date.now() - clickedMs;
  console.log(`lingua, ms after the click: unit ${unitMs}, block ${blockMs}, proven ${provenMs}`);
  await expect(page.getByText(en.reasons.noGpu(en.errors.NO_WEBGPU))).toBeVisible();
  await expect(figure(page, en.pila.rate)).toContainText(en.pila.backendCpu);
  await expect(page.getByText(en.sentence.runningCpu)).toBeVisible();
  await page.screenshot({ path: test.info().outputPath('lingua.png'), fullPage: true });
  // The seed replays each block in full before it has it.
  const address = await readAddress(page);
  await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(0);
  // The executor covers lingua: nothing of ONNX Runtime was fetched.
  expect(paths.some((path) => path.includes('miner.worker'))).toBe(true);
  expect(paths.filter((path) => RUNTIME.test(path))).toEqual([]);
});

test.describe('without the executor', () => {
  test.use({ serviceWorkers: 'block' });
  test('ONNX Runtime runs the segments, and blocks are taken', async ({ page, context }) => {
    const paths = watch(context);
    await changeConfig(page, { forceRuntime: true });
    await page.goto(seed.url);
    await button(page, en.pila.start).click();
    // Its units take many times as long.
    await expect(valueOf(page, en.pila.blocks)).toHaveText(/[1-9]/, { timeout: 600_000 });
    expect(paths.filter((path) => RUNTIME.test(path) && path.endsWith('.wasm'))).toHaveLength(1);
    const address = await readAddress(page);
    await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(0);
  });
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
    await expect(valueOf(page, en.pila.blocks)).toHaveText(/[1-9]/);
    const address = await readAddress(page);
    await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(0);
  });
});
