/** A computer that stays usable: work gives way to the battery, and says so. */
import { expect, test, type Page } from '@playwright/test';
import { CHROMIUM_FLAGS, NO_WEBGPU_FLAGS, WEBRTC_FLAGS, findChromium } from '../test/chromium.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { it } from '../src/ui/i18n/it/app.ts';
import { button, countOf, goTo, sentence } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.use({
  launchOptions: {
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...NO_WEBGPU_FLAGS],
  },
});

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** No machine of a test has a battery to discharge: the page is given one. */
const giveBattery = (page: Page) =>
  page.addInitScript(() => {
    const battery = Object.assign(new EventTarget(), { charging: true, level: 0.5 });
    Object.assign(navigator, { getBattery: async () => battery });
    const setBattery = (charging: boolean, level: number): void => {
      Object.assign(battery, { charging, level });
      battery.dispatchEvent(new Event('chargingchange'));
      battery.dispatchEvent(new Event('levelchange'));
    };
    Object.assign(globalThis, { setBattery });
  });

const unitsOn = (page: Page): Promise<number> => countOf(page, en.pila.completed);

test('on battery nothing runs, unless a person says so, until it is charged', async ({ page }) => {
  await giveBattery(page);
  await page.goto(seed.url);
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await expect.poll(() => unitsOn(page)).toBeGreaterThan(0);

  await page.evaluate('setBattery(false, 0.5)');
  await expect(sentence(page)).toHaveText(en.sentence.held);
  await expect(page.getByText(en.care.reasons.battery)).toBeVisible();
  // The unit in work may still end, which takes a busy machine its time; then nothing does.
  let held = -1;
  const changed = async () => {
    const before = await unitsOn(page);
    await page.waitForTimeout(2000);
    held = await unitsOn(page);
    return held - before;
  };
  await expect.poll(changed).toBe(0);
  await page.screenshot({ path: test.info().outputPath('battery.png'), fullPage: true });
  await button(page, 'IT').click();
  await expect(page.getByText(it.care.reasons.battery)).toBeVisible();
  await button(page, 'EN').click();

  await button(page, en.care.anyway).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await expect.poll(() => unitsOn(page)).toBeGreaterThan(held);
});

test('plugged in, it works again with five points more', async ({ page }) => {
  await giveBattery(page);
  await page.goto(seed.url);
  await page.evaluate('setBattery(false, 0.5)');
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.held);
  await page.evaluate('setBattery(true, 0.54)');
  await page.waitForTimeout(1500);
  await expect(sentence(page)).toHaveText(en.sentence.held);
  await page.evaluate('setBattery(true, 0.55)');
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await expect.poll(() => unitsOn(page)).toBeGreaterThan(0);
});

test('intensity is chosen in Settings and stays', async ({ page }) => {
  await page.goto(seed.url);
  await goTo(page, 'settings');
  await page.getByLabel(en.care.intensities[25]('25%')).check();
  await page.screenshot({ path: test.info().outputPath('settings.png'), fullPage: true });
  await page.reload();
  await expect(page.getByLabel(en.care.intensities[25]('25%'))).toBeChecked();
});
