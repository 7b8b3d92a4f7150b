/** A first visit: nothing heavy before the click, then work on the GPU until coins are proven. */
import { expect, test } from '@playwright/test';
import program from '../package.json' with { type: 'json' };
import { about } from '../src/ui/i18n/en/about.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import {
  addressHex,
  button,
  changeConfig,
  figure,
  indexLine,
  minedBy,
  readAddress,
  readVolts,
  recordSentences,
  sentence,
  tabTo,
  valueOf,
  workersOf,
} from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

const { app, what } = about;
let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});
const HEAVY = /ort|onnx|\.wasm|models\/|miner|transport|client\.worker|weights/i;

test('nothing heavy runs before the click', async ({ page, context }) => {
  const requests: string[] = [];
  // The context also hears a service worker's.
  context.on('request', (request) => requests.push(new URL(request.url()).pathname));
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await page.addInitScript(() => {
    const told = globalThis as unknown as { gpuCalls: number };
    told.gpuCalls = 0;
    const { gpu } = navigator;
    const real = gpu.requestAdapter.bind(gpu);
    gpu.requestAdapter = (options) => {
      told.gpuCalls++;
      return real(options);
    };
  });
  await page.goto(seed.url);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Your computer answers.');
  await expect(button(page, en.pila.start)).toBeEnabled();
  const facts = page.getByRole('region', { name: en.pila.before });
  await expect(facts).toContainText(/\d+(\.\d+)?\sMB to download, once/);
  const { factUses, factEarns, factStop, factAccount, factPower } = en.pila;
  for (const fact of [
    factUses,
    factEarns,
    // A line of a list has no full stop.
    en.settings.unlaunched.replace(/\.$/, ''),
    factStop,
    factAccount,
    factPower,
  ])
    await expect(facts.getByText(fact)).toBeVisible();
  await page.waitForLoadState('networkidle');
  const registered = () =>
    page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  expect(await registered()).toBe(0);
  expect(requests).toContain('/config.json');
  expect(requests.filter((path) => HEAVY.test(path))).toEqual([]);
  expect(sockets).toEqual([]);
  expect(workersOf(page).filter((url) => !url.includes('vault'))).toEqual([]);
  expect(await page.evaluate('gpuCalls')).toBe(0);
  // A script's click is not a person's.
  await button(page, en.pila.start).evaluate((element: HTMLButtonElement) => element.click());
  expect(workersOf(page).filter((url) => !url.includes('vault'))).toEqual([]);
});

test('what this is can be read from the first screen on, by keyboard, and Back returns', async ({
  page,
}) => {
  await page.goto(seed.url);
  await tabTo(page, page.getByRole('link', { name: en.what, exact: true }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(en.what);
  await expect(page).toHaveTitle(`${en.what} · Pila`);
  // The drawing says in words what it shows.
  await expect(page.getByRole('img', { name: what.describe })).toBeVisible();
  await expect(page.getByRole('heading', { name: what.provesNot })).toBeVisible();
  await expect(page.getByText(en.settings.unlaunched)).toBeVisible();
  await page.goBack();
  await expect(button(page, en.pila.start)).toBeVisible();
});

test('About tells the version, the models’ makers and the licences of all that is shipped', async ({
  page,
}) => {
  await page.goto(`${seed.url}#/settings`);
  await expect(indexLine(page, app.version)).toHaveText(program.version);
  for (const model of ['lingua', 'smollm2'])
    await expect(page.getByText(`${model}:`)).toBeVisible();
  const opened = page.waitForEvent('popup');
  await page.getByRole('link', { name: app.shippedLink }).click();
  const list = await (await opened).locator('body').innerText();
  // Of the page, its workers, its typefaces and the service worker.
  for (const name of ['svelte', 'libp2p', 'onnxruntime-web', '@noble/curves', 'workbox-precaching'])
    expect(list).toMatch(new RegExp(`^${name} \\d+\\..*: \\S+`, 'm'));
  expect(list).toContain('@fontsource-variable/bodoni-moda');
  expect(list).not.toContain('vitest');
});

// The configuration is changed on its way to the page: a service worker would fetch it past us.
test.describe('on WebGPU', () => {
  test.use({ serviceWorkers: 'block' });
  test('Start: self-test, unit, block on the network, proven balance', async ({ page }) => {
    // As long as its waits: software does the work of the GPU, beside two other files of tests.
    test.setTimeout(1_200_000);
    // The only adapter here is software, which a person's browser must not mine on.
    await changeConfig(page, { forceFallback: true });
    await page.goto(seed.url);
    const said = await recordSentences(page);
    await button(page, en.pila.start).click();
    await expect(sentence(page)).toHaveText(en.sentence.runningGpu, { timeout: 300_000 });
    expect(await said()).toContain(en.sentence.testing);
    await expect(figure(page, en.pila.rate)).toContainText(en.pila.backendGpu);
    await expect(valueOf(page, en.pila.completed)).not.toHaveText('0');
    await expect(valueOf(page, en.pila.blocks)).not.toHaveText('0', { timeout: 300_000 });
    await expect
      .poll(() => readVolts(page, en.pila.balance), { timeout: 300_000 })
      .toBeGreaterThan(0n);
    await expect(figure(page, en.pila.balance)).toContainText(/proven at block \d+/);
    await page.screenshot({ path: test.info().outputPath('webgpu.png'), fullPage: true });
    const address = await readAddress(page);
    // The seed replays each block in full before it has it.
    await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(0);
    const { header } = await seed.rpc('getBlock', 1);
    expect(header.miner).toBe(addressHex(address));
  });
});
