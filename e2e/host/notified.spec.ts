/**
 * A click on a notification, by the service worker as it is shipped. Nobody can click one of a browser without a screen,
 * so the worker is given the event; to come to the front, and to open a page, takes a person's own click.
 */
import { expect, test, type Worker } from '@playwright/test';
import { createKeys, goTo } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** The parts of a service worker's scope that no library of types beside the DOM's has. */
interface Scope {
  readonly registration: ServiceWorkerRegistration;
  dispatchEvent(event: Event): boolean;
  readonly NotificationEvent: new (
    type: string,
    of: { readonly notification: Notification },
  ) => Event;
}

/** Shows a notification with that in it, and clicks it. */
const click = (worker: Worker, data: unknown) =>
  worker.evaluate(async (given) => {
    const scope = globalThis as unknown as Scope;
    const { registration, NotificationEvent } = scope;
    await registration.showNotification('news', { tag: 'clicked', data: given });
    const [notification] = await registration.getNotifications({ tag: 'clicked' });
    const event = new NotificationEvent('notificationclick', { notification: notification! });
    // Of an event that the browser did not make nothing waits: in vain is not refused.
    Object.defineProperty(event, 'waitUntil', {
      value: (done: Promise<unknown>) => void done.catch(() => undefined),
    });
    scope.dispatchEvent(event);
  }, data);

test('leads to a screen of this page, wherever it says', async ({ context, page }) => {
  await context.grantPermissions(['notifications'], { origin: new URL(seed.url).origin });
  const coming = context.waitForEvent('serviceworker');
  await page.goto(`${seed.url}#/wallet`);
  await createKeys(page);
  const worker = await coming;
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const left = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).length;
    });

  await goTo(page, 'network');
  await click(worker, { link: '#/ask' });
  await expect(page).toHaveURL(`${seed.url}#/ask`);
  await expect.poll(left).toBe(0);

  const foreign = [
    ...['https://example.org/', '//example.org', 'javascript:alert(1)', '/health', '#elsewhere'],
    ...[7, null, { href: 'https://example.org/' }],
  ];
  for (const data of [...foreign.map((link) => ({ link })), undefined, 'https://example.org/']) {
    await goTo(page, 'network');
    await click(worker, data);
    await expect(page, JSON.stringify(data)).toHaveURL(`${seed.url}#/`);
    await expect.poll(left).toBe(0);
  }
});
