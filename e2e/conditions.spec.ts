/** What a first run can meet in a browser: each is named before the click, or while it lasts, with what to do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type BrowserContext, type Page } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { it } from '../src/ui/i18n/it/app.ts';
import {
  CHROMIUM_FLAGS,
  NO_WEBGPU_FLAGS,
  WEBGPU_FLAGS,
  WEBRTC_FLAGS,
  findChromium,
  withoutFeatures,
} from '../test/chromium.ts';
import { button, changeConfig, pause, recordSentences, sentence, valueOf } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

// What the settings say is changed on the way: a service worker would fetch them past us.
test.use({ serviceWorkers: 'block' });

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** The miner asks three times, and the browser itself gives up too. */
const LOSSES_MAX = 5;

const condition = (page: Page, name: string) => page.locator(`[data-condition=${name}]`);

/** Starts Chromium once more, with flags or a profile of its own. */
async function withBrowser(
  args: readonly string[],
  act: (context: BrowserContext) => Promise<void>,
  preferences: object = {},
): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'pila-profile-'));
  mkdirSync(join(profile, 'Default'));
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    serviceWorkers: 'block',
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...args],
  });
  try {
    await act(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

test('an ordinary browser has none of them', async ({ page }) => {
  await page.goto(seed.url);
  await expect(button(page, en.pila.start)).toBeEnabled();
  await expect(page.locator('[data-condition]')).toHaveCount(0);
});

test('no WebGPU: said before the click, and the processor works', async () => {
  await withBrowser(NO_WEBGPU_FLAGS, async (context) => {
    const page = await context.newPage();
    // The flags take the adapter away; the name itself no flag of Chromium takes from the page.
    await page.addInitScript(() => delete (Navigator.prototype as { gpu?: unknown }).gpu);
    await page.goto(seed.url);
    await expect(condition(page, 'noWebGpu')).toHaveText(en.conditions.noWebGpu);
    await button(page, 'IT').click();
    await expect(condition(page, 'noWebGpu')).toHaveText(it.conditions.noWebGpu);
    await button(page, 'EN').click();
    await button(page, en.pila.start).click();
    await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
    await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
    await expect(page.getByText(en.reasons.noGpu(en.errors.NO_WEBGPU))).toBeVisible();
    await pause(page);
  });
});

test('an unsupported browser: what it lacks is named, and nothing starts', async ({ page }) => {
  await page.addInitScript(() => {
    delete (globalThis as { BroadcastChannel?: unknown }).BroadcastChannel;
    delete (Navigator.prototype as { locks?: unknown }).locks;
  });
  await page.goto(seed.url);
  const names = 'BroadcastChannel, Web Locks';
  await expect(condition(page, 'browserOld')).toHaveText(en.conditions.browserOld(names));
  await expect(button(page, en.pila.start)).toBeDisabled();
});

test('a browser that cannot read the code at all: the page says so', async ({ page }) => {
  const broken = { contentType: 'text/javascript', body: 'let this be' };
  await page.route('**/assets/index-*.js', (route) => route.fulfill(broken));
  await page.goto(seed.url);
  const shown = () =>
    page.evaluate(() => {
      const { visibility, content } = getComputedStyle(document.getElementById('app')!, '::after');
      return `${visibility} ${content}`;
    });
  await expect.poll(shown).toMatch(/^visible .*current browser.*browser aggiornato/);
});

test('an insecure address: named, and nothing starts', async () => {
  await withBrowser(['--host-resolver-rules=MAP pila.example 127.0.0.1'], async (context) => {
    const page = await context.newPage();
    await page.goto(`http://pila.example:${seed.port}/`);
    await expect(condition(page, 'insecure')).toHaveText(en.conditions.insecure);
    await expect(button(page, en.pila.start)).toBeDisabled();
  });
});

// Chromium tells every page the same number, private or not, unless asked for the true one.
test('a private window’s little room is told', async () => {
  await withBrowser([withoutFeatures('StaticStorageQuota')], async (context) => {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    const origin = new URL(seed.url).origin;
    await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 120_000_000 });
    await page.goto(seed.url);
    const told = en.conditions.room('120\u00a0MB');
    await expect(condition(page, 'room')).toHaveText(told);
    await expect(button(page, en.pila.start)).toBeEnabled();
  });
});

test('storage refused: said at once, and again at the click', async () => {
  const refused = { profile: { default_content_setting_values: { cookies: 2 } } };
  await withBrowser(
    [],
    async (context) => {
      const page = await context.newPage();
      await page.goto(seed.url);
      await expect(page.getByText(en.errors.STORAGE_FAILED)).toBeVisible();
      await expect(condition(page, 'noFiles')).toHaveText(en.conditions.noFiles);
      await button(page, en.common.dismiss).click();
      await button(page, en.pila.start).click();
      await expect(page.getByText(en.errors.STORAGE_FAILED)).toBeVisible();
      await expect(button(page, en.pila.start)).toBeEnabled();
    },
    refused,
  );
});

test('a wrong clock: by how much, and which way', async ({ page }) => {
  await page.clock.setSystemTime(Date.now() + 3 * 3_600_000);
  await page.goto(seed.url);
  await expect(condition(page, 'clock')).toHaveText(en.conditions.clockFast('3 hours'));
  await page.clock.setSystemTime(Date.now() - 300_000);
  await page.reload();
  await expect(condition(page, 'clock')).toHaveText(en.conditions.clockSlow('5 minutes'));
});

test('no peers: work goes on, and the sentence says what cannot be done', async ({ page }) => {
  await page.goto(seed.url);
  await button(page, en.pila.start).click();
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
  await pause(page);
  await changeConfig(page, { bootstrap: [] });
  await page.reload();
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.noPeers);
  await pause(page);
});

test('an older version than the network’s: no work, and a way to the new one', async ({ page }) => {
  await changeConfig(page, { version: 1000 });
  await page.goto(seed.url);
  await expect(condition(page, 'versionOld')).toContainText(en.conditions.versionOld);
  await expect(button(page, en.pila.start)).toBeDisabled();
  await page.unroute('**/config.json');
  await button(page, en.conditions.reload).click();
  await expect(button(page, en.pila.start)).toBeEnabled();
});

test('on battery: said before the click, and nothing runs', async ({ page }) => {
  await page.addInitScript(() => {
    const battery = Object.assign(new EventTarget(), { charging: false, level: 0.5 });
    Object.assign(navigator, { getBattery: async () => battery });
  });
  await page.goto(seed.url);
  await expect(condition(page, 'battery')).toHaveText(en.conditions.battery);
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.held);
  await expect(button(page, en.care.anyway)).toBeVisible();
});

test('the graphics card taken away: asked for again, then the processor works', async () => {
  test.setTimeout(400_000);
  await withBrowser(WEBGPU_FLAGS, async (context) => {
    const page = await context.newPage();
    await changeConfig(page, { forceFallback: true });
    await page.goto(seed.url);
    await button(page, en.pila.start).click();
    await expect(sentence(page)).toHaveText(en.sentence.runningGpu);
    const cdp = await context.browser()!.newBrowserCDPSession();
    const { testing, runningGpu, runningCpu } = en.sentence;
    const said = await recordSentences(page);
    /** Takes the card away, and waits until it was tested again or the processor works. @returns what works */
    const lose = async (): Promise<string> => {
      const { length } = await said();
      await cdp.send('Browser.crashGpuProcess');
      // A page that catches up says so meanwhile, and then that the card works, which it may not know to be gone.
      const works = async () => {
        const since = (await said()).slice(length);
        const again = since.slice(since.indexOf(testing) + 1);
        return again.length < since.length && again.includes(runningGpu)
          ? runningGpu
          : since.findLast((one) => one === runningCpu);
      };
      await expect.poll(works).toBeDefined();
      return (await works())!;
    };
    expect(await lose()).toBe(runningGpu);
    // A card that goes away again and again is not asked for any more.
    for (let losses = 1, on = runningGpu; losses < LOSSES_MAX && on === runningGpu; losses++)
      on = await lose();
    await expect(sentence(page)).toHaveText(runningCpu);
    await expect(page.getByText(en.reasons.noGpu(''))).toBeVisible();
    await expect(valueOf(page, en.pila.completed)).not.toHaveText('0');
    await pause(page);
  });
});
