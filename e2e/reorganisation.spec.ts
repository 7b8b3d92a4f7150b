/** Two branches from one genesis: the page leaves its own for the heavier one, and coins follow. */
import { expect, test } from '@playwright/test';
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { en } from '../src/ui/i18n/en/app.ts';
import {
  expectAllTaken,
  figure,
  heightOf,
  indexLine,
  minedBy,
  mineUntilPaid,
  pause,
  readAddress,
  readVolts,
  goTo,
} from './support/app.ts';
import { removeData, startSeed } from './support/seed.ts';

const totalWork = async (seed: Awaited<ReturnType<typeof startSeed>>): Promise<bigint> =>
  BigInt((await seed.rpc('status')).totalWork);

test('the page follows the heavier branch, and coins of undone blocks vanish', async ({ page }) => {
  const first = await startSeed({ network: 'e2e' });
  await first.stop();
  // The same node with the same genesis, twice: as after a network that was cut in two.
  const data = join(mkdtempSync(join(tmpdir(), 'pila-branch-')), 'data');
  cpSync(first.data, data, { recursive: true });
  const { port } = first;

  const ours = await startSeed({ network: 'e2e', port, data: first.data });
  await page.goto(ours.url);
  await mineUntilPaid(page);
  await pause(page);
  const address = await readAddress(page);
  await goTo(page, 'pila');
  await expectAllTaken(page, ours, address);
  const undone = await totalWork(ours);
  const own = await minedBy(ours, address);
  expect(own.length).toBe(await heightOf(ours));
  await ours.kill();

  const apart = await startSeed({ network: 'e2e', data, args: ['--mine'] });
  // Of two heads within half a block's work the first seen stays, so that it is to be a block heavier.
  const block = undone / BigInt(own.length);
  await expect.poll(() => totalWork(apart)).toBeGreaterThan(undone + block);
  await apart.stop();

  const theirs = await startSeed({ network: 'e2e', port, data });
  const { height } = await theirs.rpc('status');
  await expect(indexLine(page, en.pila.head)).toContainText(`${height},`);
  await expect(indexLine(page, en.pila.peers)).toHaveText(en.pila.peersAgree(1, '1', '1'));
  await expect(page.getByText(en.wallet.reorganised(own.length, String(own.length)))).toBeVisible();
  await expect.poll(() => readVolts(page, en.pila.balance)).toBe(0n);
  await expect(figure(page, en.pila.balance)).toContainText(`proven at block ${height}`);
  await expect(figure(page, en.pila.balance)).not.toContainText(en.wallet.immature);
  expect((await theirs.rpc('getAccount', address)).balance).toBe('0');
  await page.screenshot({ path: test.info().outputPath('reorganised.png'), fullPage: true });
  await theirs.kill();
  removeData(first);
  removeData(theirs);
});
