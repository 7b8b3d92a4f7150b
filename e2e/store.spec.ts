/** A browser that drops the connection to the database: another one is opened, and what fails is said. */
import { expect, test, type Page } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { button, goTo, indexLine } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e', args: ['--mine'] })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

type Dropping = { generation: number; allFail: boolean };

/** In every worker: connections that are there are dropped by the next `drop`, as Safari does. */
async function prepare(page: Page): Promise<void> {
  for (const worker of page.workers())
    await worker.evaluate(() => {
      const state: Dropping = { generation: 0, allFail: false };
      (self as unknown as { dropping: Dropping }).dropping = state;
      const born = new WeakMap<IDBDatabase, number>();
      const { transaction } = IDBDatabase.prototype;
      IDBDatabase.prototype.transaction = function (...args) {
        if (!born.has(this)) born.set(this, state.generation);
        if (state.allFail || born.get(this)! < state.generation)
          throw new DOMException('Connection to Indexed Database server lost', 'UnknownError');
        return transaction.apply(this, args);
      };
    });
}

async function change(page: Page, { drop = 0, allFail = false }): Promise<void> {
  for (const worker of page.workers())
    await worker.evaluate(
      ([more, fails]) => {
        const state = (self as unknown as { dropping?: Dropping }).dropping;
        if (state) [state.generation, state.allFail] = [state.generation + more, fails];
      },
      [drop, allFail] as const,
    );
}

test('the head goes on after the connection was dropped; a store that stays broken is said, and work rests', async ({
  page,
}) => {
  const head = async () =>
    Number(/[\d,]+/.exec(await indexLine(page, en.pila.head).innerText())![0].replaceAll(',', ''));
  await page.goto(seed.url);
  await button(page, en.pila.start).click();
  await expect.poll(head).toBeGreaterThan(1);
  await prepare(page);
  // The connections in use are seen once.
  const first = await head();
  await expect.poll(head).toBeGreaterThan(first + 1);
  await change(page, { drop: 1 });
  const dropped = await head();
  await expect.poll(head).toBeGreaterThan(dropped + 3);
  await expect(page.getByText(en.errors.STORE_FAILED)).toHaveCount(0);

  await change(page, { allFail: true });
  await expect(page.getByText(en.errors.STORE_FAILED)).toBeVisible();
  await change(page, { drop: 1 });
  await goTo(page, 'pila');
  const stopped = await head();
  await expect.poll(head).toBeGreaterThan(stopped + 2);
});
