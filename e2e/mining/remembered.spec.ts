/** Work that is remembered: what a reload ends, what it does not, and a pause that ends by itself. */
import { expect, test, type Page } from '@playwright/test';
import {
  CHROMIUM_FLAGS,
  NO_WEBGPU_FLAGS,
  WEBRTC_FLAGS,
  findChromium,
} from '../../test/chromium.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { work } from '../../src/ui/i18n/en/work.ts';
import { button, countOf, goTo, indexLine, pause, sentence } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

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

const unitsOn = (page: Page): Promise<number> => countOf(page, en.pila.completed);
const goesOn = (page: Page) => page.getByRole('checkbox', { name: work.unattended.goOn });
const pausedFor = /^Paused until (tomorrow, )?\d{1,2}:\d{2}/;

test('a reload ends the work; who chose that goes on; a pause stays', async ({ page }) => {
  await page.goto(seed.url);
  await button(page, en.pila.start).click();
  await expect.poll(() => unitsOn(page)).toBeGreaterThan(0);
  await page.reload();
  await expect(button(page, en.pila.start)).toBeEnabled();
  // What was begun before is forgotten once its keys and the chain are open.
  await expect(indexLine(page, en.pila.peers)).toHaveText(en.pila.peersAgree(1, '1', '1'));
  // Chosen afterwards, it holds for work that is begun from now on.
  await goTo(page, 'settings');
  await goesOn(page).check();
  await page.reload();
  await expect(goesOn(page)).toBeChecked();
  await goTo(page, 'pila');
  await expect(sentence(page)).toHaveText(en.sentence.off);
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);

  await page.reload();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await expect.poll(() => unitsOn(page)).toBeGreaterThan(0);

  await pause(page);
  await page.reload();
  await expect(sentence(page)).toHaveText(en.sentence.off);
  await expect(button(page, en.pila.start)).toBeEnabled();
});

test('a pause for a time says its end, is the same after a reload, and can be ended', async ({
  page,
}) => {
  await page.goto(seed.url);
  await goTo(page, 'settings');
  await goesOn(page).check();
  await goTo(page, 'pila');
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await button(page, work.pause.hour).click();
  await expect(sentence(page)).toHaveText(pausedFor);
  const said = await sentence(page).innerText();
  await page.reload();
  await expect(sentence(page)).toHaveText(said);
  await button(page, en.pila.resumeNow).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await button(page, work.pause.hour).click();
  await button(page, work.pause.stay).click();
  await expect(sentence(page)).toHaveText(en.sentence.paused);
  await expect(button(page, en.pila.resume)).toBeEnabled();
});

test('only while nobody is there: asked for when chosen, and the browser says when', async ({
  page,
  context,
}) => {
  await page.goto(seed.url);
  const session = await context.newCDPSession(page);
  const { browserContextId } = (await session.send('Target.getTargetInfo')).targetInfo;
  const away = page.getByRole('checkbox', { name: work.unattended.away });
  const allow = (setting: 'granted' | 'denied') =>
    session.send('Browser.setPermission', {
      permission: { name: 'idle-detection' },
      setting,
      origin: new URL(seed.url).origin,
      ...(browserContextId !== undefined && { browserContextId }),
    });
  await allow('denied');
  await goTo(page, 'settings');
  await away.click();
  await expect(page.getByText(work.unattended.awayRefused)).toBeVisible();
  await expect(away).not.toBeChecked();

  await allow('granted');
  const setHere = (isUserActive: boolean) =>
    session.send('Emulation.setIdleOverride', { isUserActive, isScreenUnlocked: true });
  await setHere(true);
  await away.click();
  await expect(page.getByText(work.unattended.awayRefused)).toBeHidden();
  await expect(away).toBeChecked();
  await goTo(page, 'pila');
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.held);
  await expect(page.getByText(en.care.reasons.presence)).toBeVisible();
  await setHere(false);
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await expect.poll(() => unitsOn(page)).toBeGreaterThan(0);
  await setHere(true);
  await expect(sentence(page)).toHaveText(en.sentence.held);
  await button(page, en.care.anyway).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
});
