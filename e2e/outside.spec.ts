/** What a browser says of itself, and what lies in its storage, is foreign: no screen goes blank over it. */
import { expect, test, type Page } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { network } from '../src/ui/i18n/en/network.ts';
import { it } from '../src/ui/i18n/it/app.ts';
import { button, createKeys, goTo, heightOf, placeLink } from './support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from './support/seed.ts';

let seed: Seed;
test.beforeAll(
  async () => void (seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED })),
);
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

const PLACES = ['pila', 'ask', 'wallet', 'network', 'settings'] as const;

async function expectEveryScreen(page: Page, nav: typeof en.nav): Promise<void> {
  for (const place of PLACES) {
    await placeLink(page, place, nav).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await expect(page.locator('main [role=alert]')).toHaveCount(0);
  }
}

for (const [languages, language] of [
  [['en-US@posix'], 'en'],
  [['it-IT@euro'], 'it'],
  [['de-DE', 'en-US@posix'], 'en'],
  [['C', '', 'en_US', '*', 'it-u-nu-arab'], 'en'],
  [undefined, 'en'],
] as const)
  test(`every screen, where the browser's languages are ${JSON.stringify(languages)}`, async ({
    page,
  }) => {
    await page.addInitScript(
      (value) => Object.defineProperty(navigator, 'languages', { get: () => value }),
      languages,
    );
    await page.goto(seed.url);
    await expect(page.locator('html')).toHaveAttribute('lang', language);
    await expectEveryScreen(page, language === 'it' ? it.nav : en.nav);
  });

test('every screen, whatever lies in the storage', async ({ page }) => {
  await page.addInitScript(() => {
    const names = ['language', 'theme', 'model', 'intensity', 'awake', 'install-declined', 'watts'];
    const values = ['__proto__', 'constructor', '{"a":[', '1e999', 'NaN', '\ud800', '-1'];
    names.forEach((name, i) => localStorage.setItem(`pila.${name}`, values[i]!));
    for (const kept of ['watched', 'contacts', 'payees'])
      localStorage.setItem(`pila.${kept}`, '[{"address":{},"name":7},null,3]');
  });
  await page.goto(seed.url);
  await expectEveryScreen(page, en.nav);
});

for (const place of PLACES)
  test(`a throw while ${place} is drawn is said there, and the rest goes on`, async ({ page }) => {
    // The page's own code runs up to the copy of the part with the screen's heading.
    await page.addInitScript(() => {
      const { importNode } = Document.prototype;
      const { cloneNode } = Node.prototype;
      const guard = (node: Node) => {
        const heading = node instanceof Element || node instanceof DocumentFragment;
        const found = heading && (node.querySelector('h1') ?? (node as Element).matches?.('h1'));
        if ((window as { broken?: boolean }).broken && found)
          throw new RangeError('broken by the test');
      };
      Document.prototype.importNode = function <T extends Node>(node: T, deep?: boolean) {
        guard(node);
        return importNode.call(this, node, deep) as T;
      };
      Node.prototype.cloneNode = function (deep?: boolean) {
        guard(this);
        return cloneNode.call(this, deep);
      };
    });
    await page.goto(seed.url);
    const link = (to: (typeof PLACES)[number]) => placeLink(page, to);
    const away = place === 'settings' ? 'network' : 'settings';
    await link(away).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await page.evaluate(() => void ((window as { broken?: boolean }).broken = true));
    await link(place).click();
    const alert = page.locator('main [role=alert]');
    await expect(alert).toContainText(en.errors.SCREEN_FAILED);
    await expect(alert).toContainText('broken by the test');
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(0);
    // Still broken: said again, and again without a blank page.
    await button(page, en.pila.again).click();
    await expect(alert).toContainText(en.errors.SCREEN_FAILED);
    await page.evaluate(() => void ((window as { broken?: boolean }).broken = false));
    await link(away).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await page.evaluate(() => void ((window as { broken?: boolean }).broken = true));
    await link(place).click();
    await expect(alert).toBeVisible();
    await page.evaluate(() => void ((window as { broken?: boolean }).broken = false));
    await button(page, en.pila.again).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await expect(alert).toHaveCount(0);
  });

for (const clipboard of ['absent', 'refusing'] as const)
  test(`copying says that it failed, where the clipboard is ${clipboard}`, async ({ page }) => {
    const thrown: Error[] = [];
    page.on('pageerror', (error) => thrown.push(error));
    await page.addInitScript((kind) => {
      const refusing = {
        writeText: () => Promise.reject(new DOMException('no', 'NotAllowedError')),
      };
      const value = kind === 'absent' ? undefined : refusing;
      Object.defineProperty(navigator, 'clipboard', { get: () => value });
    }, clipboard);
    await page.goto(`${seed.url}#/wallet`);
    await createKeys(page);
    await button(page, en.wallet.receive).click();
    await button(page, en.wallet.copy).click();
    await expect(page.getByRole('dialog').getByText(en.wallet.copyFailed)).toBeVisible();
    expect(thrown).toEqual([]);
  });

test('what is drawn in groups is copied in one piece, by a click and by a mouse', async ({
  context,
  page,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`${seed.url}#/wallet`);
  await createKeys(page);
  await button(page, en.wallet.receive).click();
  await page.locator('dialog .address').click();
  await page.keyboard.press('Control+C');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toMatch(/^rpila1[a-z0-9]{50,}$/);
  await page.keyboard.press('Escape');
  await page.goto(`${seed.url}#/network`);
  await page.getByLabel(network.search.label).fill(copied);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`#/address/${copied}`));
  await goTo(page, 'wallet');
  await button(page, en.wallet.faucet).click();
  await expect.poll(() => heightOf(seed)).toBeGreaterThan(0);
  await page.goto(`${seed.url}#/block/1`);
  const long = page.locator('dd.mono .value').first();
  await long.selectText();
  await page.keyboard.press('Control+C');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[a-z0-9]{60,}$/);
});

const CAUSES = {
  'the page came by http': {
    sentence: en.errors.PAGE_INSECURE,
    prepare: (page: Page) =>
      page.addInitScript(() => {
        Object.defineProperty(window, 'isSecureContext', { get: () => false });
        Object.defineProperty(navigator, 'locks', { get: () => undefined });
        Object.defineProperty(crypto, 'subtle', { get: () => undefined });
      }),
  },
  'site data is blocked': {
    sentence: en.errors.STORAGE_FAILED,
    prepare: async (page: Page) => {
      // The worker of the keys has no database either.
      await page.route(/vault\.worker-[^/]*\.js$/, async (route) => {
        const response = await route.fetch();
        const denial = `Object.defineProperty(self, 'indexedDB', { get() {
          throw new DOMException('denied', 'SecurityError');
        } });`;
        await route.fulfill({ response, body: denial + (await response.text()) });
      });
      await page.addInitScript(() => {
        const denied = () => {
          throw new DOMException('Access is denied for this document.', 'SecurityError');
        };
        Object.defineProperty(window, 'localStorage', { get: denied });
        Object.defineProperty(window, 'sessionStorage', { get: denied });
        LockManager.prototype.request = () =>
          Promise.reject(new DOMException('denied', 'SecurityError'));
      });
    },
  },
  'the server has another build': {
    sentence: en.errors.SCREEN_MISSING,
    prepare: (page: Page) =>
      page.route(/assets\/(page|client\.worker|Ask|Network)-[^/]*\.js$/, (route) =>
        route.fulfill({ status: 404, body: 'gone' }),
      ),
  },
};
for (const [name, { sentence, prepare }] of Object.entries(CAUSES))
  test(`the true cause on every screen that needs what is missing: ${name}`, async ({ page }) => {
    await prepare(page);
    await page.goto(seed.url);
    const isDeploy = sentence === en.errors.SCREEN_MISSING;
    for (const place of isDeploy
      ? (['ask', 'network'] as const)
      : (['ask', 'network', 'wallet'] as const)) {
      await placeLink(page, place).click();
      await expect(page.getByText(sentence).first()).toBeVisible();
      await expect(page.getByText(en.errors.INTERNAL)).toHaveCount(0);
      await expect(page.getByText(en.errors.BROWSER_OLD)).toHaveCount(0);
    }
    if (!isDeploy) return;
    await placeLink(page, 'pila').click();
    await button(page, en.pila.start).click();
    await expect(page.getByText(sentence).first()).toBeVisible();
    await expect(page.getByText(en.errors.INTERNAL)).toHaveCount(0);
  });

test('an old head is read with a blank before its age', async ({ page }) => {
  const own = await startSeed({ network: 'e2e', args: ['--mine'] });
  await page.clock.install({ time: Date.now() });
  await page.goto(`${own.url}#/network`);
  const line = page.locator('header a.figures');
  await expect(line).toContainText(new RegExp(`${en.headLine.block}\\D*[1-9]`));
  await own.kill();
  await page.clock.fastForward(150_000);
  await expect(line.locator('.old')).toBeVisible();
  expect(await line.textContent()).toMatch(new RegExp(`${en.headLine.old}\\s+\\d`));
  removeData(own);
});
