/** The rules change at a height, and one node is left behind: it says so, pays nothing out, and loses nothing. */
import { expect, test } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { button, createKeys, goTo, heightOf, readAddress, readVolts } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

const GIFT = 100n * 10n ** 9n;
const ENTRY = 'e2e/support/newer-seed.ts';

const health = async ({ url }: Seed): Promise<Record<string, unknown>> =>
  await (await fetch(`${url}health`)).json();
/** Where other nodes reach it. */
const addressOf = async ({ url }: Seed): Promise<string> =>
  (await (await fetch(`${url}config.json`)).json()).bootstrap[0];
const hasLogged = ({ log }: Seed, event: string): boolean =>
  log.some((line) => line.includes(` ${event} `));

test('a node that is left behind says so, stops paying out, and goes on after an update', async ({
  page,
}) => {
  let behind = await startSeed({ args: ['--mine'] });
  const { port, data } = behind;
  await page.goto(behind.url);
  await goTo(page, 'wallet');
  await createKeys(page);
  const address = await readAddress(page);
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(0n);
  await button(page, en.wallet.faucet).click();
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(GIFT);
  // At once: each block more is followed by three of the other program.
  await behind.stop();
  behind = await startSeed({ port, data });
  const old = await heightOf(behind);
  expect(await health(behind)).toMatchObject({ ok: true, rules: 'known' });

  // More than three quarters of the blocks below the change are of programs that know it.
  const from = 4 * old + 4;
  const newer = ['--from', String(from)];
  const ahead = await startSeed({
    entry: ENTRY,
    args: [...newer, '--mine', '--bootstrap', await addressOf(behind)],
  });
  await expect(page.getByText(en.outlook.changing)).toBeVisible();
  await expect(page.getByText(en.outlook.ended)).toBeVisible();
  await expect.poll(() => heightOf(ahead)).toBeGreaterThan(from + 3);

  // It keeps the chain up to the change, its peer, and all that was told of.
  await expect.poll(() => heightOf(behind)).toBe(from - 1);
  expect(await health(behind)).toMatchObject({ ok: true, rules: 'ended', peers: 2 });
  expect(hasLogged(behind, 'rules.changing') && hasLogged(behind, 'rules.ended')).toBe(true);
  expect(behind.log.filter((line) => line.includes('peer.banned'))).toEqual([]);
  expect(await health(ahead)).toMatchObject({ rules: 'known' });
  await expect(page.getByText(en.wallet.neverFinal).first()).toBeVisible();
  expect(await readVolts(page, en.wallet.spendable)).toBe(GIFT);
  const asked = await fetch(`${behind.url}faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address }),
  });
  expect(await asked.json()).toMatchObject({ error: { code: 'RULES_ENDED' } });
  for (const place of ['pila', 'ask', 'network', 'settings'] as const) {
    await goTo(page, place);
    await expect(page.getByText(en.outlook.ended)).toBeVisible();
  }
  await page.screenshot({ path: test.info().outputPath('ended.png'), fullPage: true });

  await behind.stop();
  const updated = await startSeed({
    entry: ENTRY,
    port,
    data,
    args: [...newer, '--bootstrap', await addressOf(ahead)],
  });
  await expect.poll(() => heightOf(updated)).toBeGreaterThan(from + 3);
  expect(await health(updated)).toMatchObject({ ok: true, rules: 'known' });
  expect((await updated.rpc('getAccount', address)).balance).toBe(String(GIFT));
  await updated.stop();
  await ahead.stop();
  removeData(ahead);
  removeData(updated);
});
