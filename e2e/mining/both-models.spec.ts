/** More than one mined model: a new page works with the small one at once, and the others come behind the work. */
import { expect, test, type Page } from '@playwright/test';
import { modelNamed, networkOf } from '../../src/client/models/networks.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { models as words } from '../../src/ui/i18n/en/models.ts';
import {
  CHROMIUM_FLAGS,
  NO_WEBGPU_FLAGS,
  WEBRTC_FLAGS,
  findChromium,
} from '../../test/chromium.ts';
import {
  button,
  countOf,
  goTo,
  indexLine,
  minedBy,
  pause,
  readAddress,
  valueOf,
} from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

/** What a new device begins with, and the network's default, which others mine with. */
const [FIRST, SECOND] = ['lingua', 'minilm'] as const;
const second = toHex(modelNamed(networkOf('local'), SECOND)!.id);

// Parts are held back on their way, which a service worker would fetch past us.
test.use({
  serviceWorkers: 'block',
  launchOptions: {
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...NO_WEBGPU_FLAGS],
  },
});

let seed: Seed;
test.beforeAll(async () => {
  seed = await startSeed({ network: 'local', args: ['--mine', '--model', SECOND] });
});
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** What is said of models that are not here, now and from now on. */
async function recordHolding(page: Page): Promise<() => Promise<string[]>> {
  const said = await page.evaluateHandle(() => {
    const said: string[] = [];
    const look = (): void => {
      const text = document.querySelector('.holding')?.textContent;
      if (text && text !== said.at(-1)) said.push(text);
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
    return said;
  });
  return () => said.jsonValue();
}

const heightOfSeed = async (): Promise<number> => (await seed.rpc('status')).height;
const stateOf = (page: Page, name: string) =>
  page
    .locator('.models li', { has: page.getByRole('heading', { name, exact: true }) })
    .locator('dl.index > div', { hasText: words.condition })
    .locator('dd');

/** Waits for a further unit. */
async function worksOn(page: Page): Promise<void> {
  const before = await countOf(page, en.pila.completed);
  await expect.poll(() => countOf(page, en.pila.completed)).toBeGreaterThan(before);
}

test('a fresh page mines with the small model at once, fetches the second behind it, and goes on with both', async ({
  page,
}) => {
  // Blocks of the second model are below the head that the page finds.
  await expect.poll(heightOfSeed).toBeGreaterThan(1);
  const released = Promise.withResolvers<void>();
  await page.route(`**/models/${second}/**`, async (route) => {
    await released.promise;
    await route.continue();
  });
  await page.goto(seed.url);
  const said = await recordHolding(page);
  await button(page, en.pila.start).click();
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
  await expect(indexLine(page, en.pila.model)).toHaveText(FIRST);
  await expect
    .poll(async () => (await said()).join('\n'))
    .toMatch(new RegExp(`Downloading while it works: .*${SECOND}[^]*for at most 10 more min`));
  await page.screenshot({ path: test.info().outputPath('behind.png'), fullPage: true });

  released.resolve();
  await expect(page.locator('.holding')).toHaveCount(0);
  await worksOn(page);
  await goTo(page, 'settings');
  for (const name of [FIRST, SECOND])
    await expect(stateOf(page, name)).toHaveText(`${words.state.stored} ${words.inUse}`);

  // Blocks of the others go on coming, are checked in full, and are built on.
  const address = await readAddress(page);
  await expect
    .poll(async () => (await minedBy(seed, address)).length, { timeout: 240_000 })
    .toBeGreaterThan(0);
  await goTo(page, 'settings');
  await page.getByRole('radio', { name: SECOND, exact: true }).check();
  await goTo(page, 'pila');
  await pause(page);
  await button(page, en.pila.resume).click();
  await expect(indexLine(page, en.pila.model)).toHaveText(SECOND);
  await worksOn(page);
});

test('on a metered line it asks first; who declines does not mine, and may think again', async ({
  page,
}) => {
  const parts: string[] = [];
  page.on('request', (request) => request.url().includes(second) && parts.push(request.url()));
  await page.addInitScript(() => {
    const connection = Object.assign(new EventTarget(), { saveData: true });
    Object.defineProperty(navigator, 'connection', { value: connection });
  });
  await page.goto(seed.url);
  await button(page, en.pila.start).click();
  await expect(page.locator('.holding')).toContainText(SECOND);
  const fetch = page.getByRole('button', { name: /^Download \d+(\.\d+)?\sMB$/ });
  await expect(fetch).toBeVisible();
  await button(page, words.declineAll).click();
  await expect(page.getByText(en.sentence.paused)).toBeVisible();
  await expect(page.locator('.holding')).toContainText('You declined');
  await expect(button(page, en.pila.resume)).toBeDisabled();
  expect(parts).toEqual([]);

  await page.reload();
  await expect(page.locator('.holding')).toContainText('You declined');
  await expect(button(page, en.pila.start)).toBeDisabled();
  await fetch.click();
  await expect.poll(() => parts.length).toBeGreaterThan(0);
  await expect(page.locator('.holding')).toHaveCount(0);
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
});
