/** Browsers among themselves: they find each other, outlive every seed, and agree when seeds return. */
import { chromium, expect, test, type Browser, type Page } from '@playwright/test';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { en } from '../src/ui/i18n/en/app.ts';
import { network as words } from '../src/ui/i18n/en/network.ts';
import {
  backUp,
  button,
  createKeys,
  goTo,
  heightOf,
  indexLine,
  pause,
  readAddress,
  readVolts,
  sentence,
  workGently,
} from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

const VOLT = 10n ** 9n;

interface Link {
  readonly id: string;
  readonly address: string;
}

/** Direct WebRTC connections as the Network screen lists them. */
async function directLinks(page: Page): Promise<Link[]> {
  const rows = await page.locator('.peer[data-link="webrtc"]').all();
  return Promise.all(
    rows.map(async (row) => ({
      id: (await row.locator('.id').getAttribute('title')) ?? '',
      address: (await row.locator('.address').textContent()) ?? '',
    })),
  );
}

const linkCount = (page: Page) => page.locator('.peer[data-link="webrtc"]');
const hasPeers = (page: Page, count: number) => expect(page.locator('.peer')).toHaveCount(count);
const line = (page: Page, label: string) => indexLine(page, label).innerText();
const height = async (page: Page) =>
  Number(/^[\d,]+/.exec(await line(page, words.head.height))?.[0].replaceAll(',', '') ?? -1);
const agree = (page: Page, count: number) =>
  expect(indexLine(page, words.head.agree)).toHaveText(words.head.of(`${count}`, `${count}`));
const holdsState = (page: Page) =>
  expect(indexLine(page, words.state.title)).toHaveText(words.state.yes);

/** A browser of its own at the Network screen; `seeds`: those it knows besides the one that serves it. */
async function open(browser: Browser, seed: Seed, seeds: readonly Seed[] = []): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  const more = await Promise.all(
    seeds.map(async ({ url }) => (await (await fetch(`${url}config.json`)).json()).bootstrap),
  );
  await page.route('**/config.json', async (route) => {
    const response = await route.fetch();
    const config = await response.json();
    const bootstrap = [...config.bootstrap, ...more.flat()];
    await route.fulfill({ response, json: { ...config, bootstrap } });
  });
  await page.goto(`${seed.url}#/network`);
  return page;
}

async function mine(page: Page): Promise<void> {
  await goTo(page, 'pila');
  await workGently(page);
  await button(page, en.pila.start).click();
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await goTo(page, 'network');
}

async function rest(page: Page): Promise<void> {
  await goTo(page, 'pila');
  await pause(page);
  await goTo(page, 'network');
}

/** Pages of one seed dial the others too. */
const PUBLIC = ['--public'];

/** Two seeds of one chain, with keys of their own, that do not know each other. */
async function startStrangers(): Promise<[Seed, Seed]> {
  const first = await startSeed({ args: PUBLIC });
  await first.stop();
  const data = join(mkdtempSync(join(tmpdir(), 'pila-branch-')), 'data');
  cpSync(first.data, data, { recursive: true });
  for (const own of ['keys.json', 'net']) rmSync(join(data, own), { recursive: true });
  return [
    await startSeed({ port: first.port, data: first.data, args: PUBLIC }),
    await startSeed({ data, args: PUBLIC }),
  ];
}

test('two browsers go on without the seed: blocks, and a payment', async ({
  browser,
  launchOptions,
}) => {
  const seed = await startSeed();
  // A process of its own, as another person's would be.
  const apart = await chromium.launch(launchOptions);
  const [a, b] = [await open(browser, seed), await open(apart, seed)];
  for (const page of [a, b]) await expect(linkCount(page)).toHaveCount(1);
  const [toB, toA] = [(await directLinks(a))[0]!, (await directLinks(b))[0]!];
  const addresses = [toB.address, toA.address];
  expect(addresses.filter((s) => s.includes('/p2p-circuit/webrtc/p2p/'))).toHaveLength(1);
  expect(addresses).toContainEqual(expect.stringMatching(/^\/webrtc\/p2p\/\w+$/));

  await goTo(b, 'wallet');
  await createKeys(b);
  const address = await readAddress(b);
  await goTo(a, 'wallet');
  await createKeys(a);
  await backUp(a);
  for (const page of [a, b]) {
    await goTo(page, 'network');
    await holdsState(page);
  }
  await mine(a);
  await mine(b);
  await seed.kill();
  for (const page of [a, b]) await hasPeers(page, 1);
  const before = await height(a);
  for (const page of [a, b]) await expect.poll(() => height(page)).toBeGreaterThan(before + 3);
  await goTo(a, 'pila');
  await expect.poll(() => readVolts(a, en.pila.balance)).toBeGreaterThan(0n);
  await rest(b);
  await goTo(b, 'wallet');
  const had = await readVolts(b, en.wallet.spendable);
  await pay(a, address, '5');
  await expect
    .poll(() => readVolts(b, en.wallet.spendable))
    .toBeGreaterThanOrEqual(had + 5n * VOLT);
  await expect(
    b.locator('.history').getByText(en.wallet.received, { exact: true }).first(),
  ).toBeVisible();
  await rest(a);
  for (const page of [a, b]) {
    await goTo(page, 'network');
    await agree(page, 1);
  }
  // The last block may still be in the check before its finder takes it.
  await expect.poll(async () => (await height(a)) - (await height(b))).toBe(0);
  await apart.close();
  removeData(seed);
});

async function pay(page: Page, address: string, amount: string): Promise<void> {
  await goTo(page, 'wallet');
  await button(page, en.wallet.send).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(en.send.to, { exact: true }).fill(address);
  await dialog.getByLabel(en.send.amount, { exact: true }).fill(amount);
  for (const name of [en.send.review, en.send.confirm, en.common.done])
    await dialog.getByRole('button', { name, exact: true }).click();
}

test('two that never met connect through a third when every seed is dead', async ({ browser }) => {
  const [one, other] = await startStrangers();
  const a = await open(browser, one, [other]);
  const b = await open(browser, one);
  await expect(linkCount(b)).toHaveCount(1);
  const [toA] = await directLinks(b);
  // The model comes from the seed, so it starts while there is one.
  await mine(b);
  await one.kill();
  const c = await open(browser, other);
  await expect(linkCount(c).filter({ has: c.getByTitle(toA!.id) })).toHaveCount(1);
  await other.kill();
  for (const page of [a, b, c]) await expect(linkCount(page)).toHaveCount(2);
  const others = [...(await directLinks(b)), ...(await directLinks(c))].filter(
    ({ id }) => id !== toA!.id,
  );
  const dialled = others.filter((l) => l.address.includes('/p2p-circuit/')).map((l) => l.address);
  expect(dialled).toEqual([expect.stringContaining(`/p2p/${toA!.id}/p2p-circuit/webrtc/p2p/`)]);
  // Whoever introduced them is no longer needed.
  await a.context().close();
  const before = await height(c);
  await expect.poll(() => height(c)).toBeGreaterThan(before + 2);
  for (const seed of [one, other]) removeData(seed);
});

test('two pairs that were apart agree on one chain', async ({ browser }) => {
  test.setTimeout(300_000);
  const [one, other] = await startStrangers();
  const pairs: Page[][] = [];
  for (const seed of [one, other])
    pairs.push([await open(browser, seed), await open(browser, seed)]);
  const all = pairs.flat();
  for (const page of all) await expect(linkCount(page)).toHaveCount(1);
  for (const page of all) await holdsState(page);
  // Apart from the start: neither seed knows the other.
  for (const [first] of pairs) await mine(first!);
  for (const page of all) await expect.poll(() => height(page)).toBeGreaterThan(0);
  const known = await Promise.all([heightOf(one), heightOf(other)]);
  await Promise.all([one.kill(), other.kill()]);
  for (const page of all)
    await expect.poll(() => height(page)).toBeGreaterThan(Math.max(...known) + 1);
  // One chain is longer: of two alike, every node would keep the one it saw first. By more than the one
  // block that whoever rests may have found before, and still checks.
  const [longer, shorter] = pairs.map(([first]) => first!);
  await rest(shorter!);
  await expect
    .poll(async () => (await height(longer!)) - (await height(shorter!)))
    .toBeGreaterThan(1);
  await rest(longer!);

  const left = await startSeed({ port: one.port, data: one.data, args: PUBLIC });
  const { bootstrap } = await (await fetch(`${left.url}config.json`)).json();
  const args = [...PUBLIC, '--bootstrap', bootstrap[0] as string];
  const right = await startSeed({ port: other.port, data: other.data, args });
  /** Heads of both seeds and heights of all browsers, as a set: one chain has one of each. */
  const heads = async () => {
    const told = await Promise.all([left, right].map((seed) => seed.rpc('status')));
    const heights = await Promise.all(all.map(height));
    return [new Set(told.map((s) => s.head)).size, new Set([...heights, told[0].height]).size];
  };
  // Redialling waits up to 19 s, a look around 15 s, and each follows on the other.
  await expect.poll(heads).toEqual([1, 1]);
  expect(await heightOf(left)).toBeGreaterThan(Math.max(...known) + 1);
  for (const seed of [left, right]) {
    await seed.kill();
    removeData(seed);
  }
});
