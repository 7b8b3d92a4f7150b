/** What the policies refuse, in the built page and in each of its workers; and keys where a host sends none. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test, type Page, type Worker } from '@playwright/test';
import { PAGE_POLICY, VAULT_POLICY } from '../../src/node/http/policies.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { errors } from '../../src/ui/i18n/en/errors.ts';
import { button, createKeys, goTo, workersOf } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';
import { serveStatic, type StaticHost } from '../support/static-host.ts';

const DIST = join(import.meta.dirname, '../../dist');

let seed: Seed;
/** Another site, which answers everybody: what comes here got out. */
let foreign: Server;
let away: string;
const reached: string[] = [];

test.beforeAll(async () => {
  seed = await startSeed({ network: 'e2e' });
  foreign = createServer((request, response) => {
    reached.push(request.url!);
    const type = request.url!.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': type });
    response.end(type === 'text/html' ? 'x' : 'globalThis.ran = "foreign script"');
  });
  foreign.listen(0, '127.0.0.1');
  await once(foreign, 'listening');
  away = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
});
test.afterAll(async () => {
  foreign.close();
  foreign.closeAllConnections();
  await seed.kill();
  removeData(seed);
});
test.beforeEach(() => void reached.splice(0));

const workerOf = (page: Page, name: string): Worker =>
  page.workers().find((worker) => worker.url().includes(name))!;

/**
 * What code from text does where a policy is asked: in a timer, because the debugger's own evaluation may do what
 * the page may not. Runs in the page or in a worker.
 */
function runText(): Promise<Record<string, string>> {
  const attempts: Record<string, () => unknown> = {
    eval: () => (0, eval)('1 + 1'),
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- tried to see it refused
    Function: () => new Function('return 1'),
  };
  const outcome = (attempt: () => unknown): string => {
    try {
      attempt();
      return 'ran';
    } catch {
      return 'refused';
    }
  };
  return new Promise((resolve) =>
    setTimeout(() => {
      const outcomes = Object.entries(attempts).map(([name, run]) => [name, outcome(run)]);
      resolve(Object.fromEntries(outcomes) as Record<string, string>);
    }),
  );
}
const REFUSED = { eval: 'refused', Function: 'refused' };

/** Runs in the page or in a worker: how a request to another site ends. */
const ask = (url: string): Promise<string> =>
  fetch(url).then(
    () => 'reached',
    () => 'refused',
  );

/** What script of the page could try, and what refuses it: a directive, or an error of the page's own. */
const ATTEMPTS: Record<string, [refusedBy: string, attempt: (away: string) => unknown]> = {
  'a script of another site': [
    'TypeError',
    (site) => {
      const script = document.createElementNS('http://www.w3.org/2000/svg', 'script');
      script.setAttribute('href', `${site}/a.js`);
      document.head.append(script);
    },
  ],
  'an import of another site': ['script-src-elem', (site) => void import(`${site}/b.js`)],
  'an inline handler': [
    'require-trusted-types-for',
    () => document.createElement('img').setAttribute('onerror', 'globalThis.ran = "handler"'),
  ],
  'text as HTML': [
    'require-trusted-types-for',
    () => (document.createElement('p').innerHTML = '<img src=x onerror="globalThis.ran = 1">'),
  ],
  'a worker of another site': ['TypeError', (site) => void new Worker(`${site}/a.js`)],
  'another policy of Trusted Types': [
    'trusted-types',
    () => {
      const { trustedTypes } = globalThis as unknown as {
        trustedTypes: { createPolicy(name: string, rules: object): unknown };
      };
      trustedTypes.createPolicy('mine', {});
    },
  ],
  'a style': [
    'style-src-elem',
    () => {
      const style = document.createElement('style');
      style.textContent = 'body { color: red }';
      document.head.append(style);
    },
  ],
  'a picture of another site': [
    'img-src',
    (site) => (document.createElement('img').src = `${site}/picture`),
  ],
  'a typeface of another site': [
    'font-src',
    (site) => void new FontFace('x', `url(${site}/font)`).load(),
  ],
  'a frame': [
    'frame-src',
    (site) => {
      const frame = document.createElement('iframe');
      frame.src = `${site}/frame`;
      document.body.append(frame);
    },
  ],
  'another base address': [
    'base-uri',
    (site) => {
      const base = document.createElement('base');
      base.href = site;
      document.head.append(base);
    },
  ],
  'a form': [
    'form-action',
    (site) => {
      const form = document.createElement('form');
      form.action = `${site}/form`;
      document.body.append(form);
      form.submit();
    },
  ],
  'a request to another site': ['connect-src', (site) => void fetch(`${site}/request`)],
  'a beacon to another site': [
    'connect-src',
    (site) => navigator.sendBeacon(`${site}/beacon`, 'x'),
  ],
};

/** From now on the page keeps what its policies refuse. */
const listen = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const refused = new Set<string>();
    Object.assign(globalThis, { refused });
    addEventListener('securitypolicyviolation', (e) => refused.add(e.effectiveDirective));
  });

/** What has refused the last attempt, and what its code did. */
const outcome = (page: Page): Promise<{ refused: string[]; ran: unknown }> =>
  page.evaluate(() => {
    const { refused, ran } = globalThis as unknown as { refused: Set<string>; ran: unknown };
    return { refused: [...refused], ran };
  });

async function tryAll(page: Page): Promise<void> {
  await listen(page);
  for (const [what, [refusedBy, attempt]] of Object.entries(ATTEMPTS)) {
    await page.evaluate(() => (globalThis as unknown as { refused: Set<string> }).refused.clear());
    const threw = await page.evaluate(attempt, away).then(
      () => undefined,
      (e: Error) => /: (\w+):/.exec(e.message)?.[1],
    );
    if (refusedBy === 'TypeError') expect(threw, what).toBe(refusedBy);
    else await expect.poll(() => outcome(page), what).toMatchObject({ refused: [refusedBy] });
    expect((await outcome(page)).ran, what).toBe(undefined);
  }
  expect(await page.evaluate(runText)).toEqual(REFUSED);
  expect(reached).toEqual([]);
}

/** Loads the app with script in the text of its page, as a server that echoes a stranger's text would send it. */
async function openEchoing(page: Page, change: (html: string) => string, hasHeader: boolean) {
  await page.route(seed.url, async (route) => {
    const response = await route.fetch();
    const { 'content-security-policy': policy, ...others } = response.headers();
    const echo = `<p><script>ran = "inline"</script><img src="x" onerror="ran = 'handler'"></p>`;
    const body = change(await response.text()).replace('<body>', `<body>${echo}`);
    const own: Record<string, string> = hasHeader ? { 'content-security-policy': policy! } : {};
    await route.fulfill({ body, headers: { ...others, ...own } });
  });
  await page.goto(seed.url);
  await expect(button(page, en.pila.start)).toBeEnabled();
  expect(await page.evaluate(() => (globalThis as { ran?: unknown }).ran)).toBe(undefined);
}
const META = /<meta http-equiv="Content-Security-Policy"[^>]*>/;

test.describe('the page’s policy', () => {
  test('is the same in the page and in its header, which also forbids frames', async ({ page }) => {
    const response = await page.request.get(seed.url);
    const header = response.headers()['content-security-policy'];
    expect(header).toBe(`${PAGE_POLICY}; frame-ancestors 'none'`);
    const inPage = META.exec(await response.text())![0].replaceAll('&#39;', "'");
    expect(inPage).toContain(`content="${PAGE_POLICY}"`);
  });

  test('by its header alone lets nothing in and nothing out', async ({ page }) => {
    await openEchoing(page, (html) => html.replace(META, ''), true);
    await tryAll(page);
  });

  test('by the page alone does the same', async ({ page }) => {
    await openEchoing(page, (html) => html, false);
    await tryAll(page);
  });
});

test.describe('the workers’ policies', () => {
  test('no worker makes code of text, loads another site’s, or reaches one', async ({ page }) => {
    await page.goto(seed.url);
    await button(page, en.pila.start).click();
    for (const name of ['client.worker', 'miner.worker', 'vault.worker']) {
      await expect.poll(() => workerOf(page, name) !== undefined).toBe(true);
      const worker = workerOf(page, name);
      expect(await worker.evaluate(runText), name).toEqual(REFUSED);
      const load = (url: string) =>
        import(url).then(
          () => 'ran',
          () => 'refused',
        );
      expect(await worker.evaluate(load, `${away}/c.js`), name).toBe('refused');
      expect(await worker.evaluate(load, 'data:text/javascript,1'), name).toBe('refused');
      if (name !== 'vault.worker')
        expect(await worker.evaluate(ask, `${away}/w`), name).toBe('refused');
    }
    expect(reached).toEqual([]);
  });

  test('the keys’ worker has no way out', async ({ page }) => {
    await page.goto(`${seed.url}#/wallet`);
    await createKeys(page);
    await expect(button(page, en.wallet.receive)).toBeVisible();
    const ways = [
      ...['fetch', 'fetchLater', 'XMLHttpRequest', 'EventSource', 'WebSocket', 'WebSocketStream'],
      ...['WebTransport', 'importScripts', 'FontFace', 'fonts', 'caches', 'Worker', 'SharedWorker'],
      ...['BroadcastChannel', 'RTCPeerConnection', 'RTCDataChannel'],
    ];
    // The client's worker has most of them, so the names are right.
    await goTo(page, 'network');
    await expect.poll(() => workerOf(page, 'client.worker') !== undefined).toBe(true);
    const here = (names: string[]) => names.filter((name) => name in globalThis);
    expect(await workerOf(page, 'client.worker').evaluate(here, ways)).toEqual(
      expect.arrayContaining(['fetch', 'XMLHttpRequest', 'WebSocket', 'caches', 'Worker']),
    );
    expect(await workerOf(page, 'vault.worker').evaluate(here, ways)).toEqual([]);
  });
});

test.describe('a host that sends no policy', () => {
  let host: StaticHost;
  const start = async (headersOf?: (path: string) => Record<string, string>) => {
    const config = await (await fetch(`${seed.url}config.json`)).text();
    host = await serveStatic({ folder: DIST, config, ...(headersOf && { headersOf }) });
  };
  test.afterEach(() => host.stop());
  const withPolicy = (path: string, policy: string): Record<string, string> =>
    path.startsWith('/assets/vault.worker-') ? { 'content-security-policy': policy } : {};

  test('gets no keys made, and a sentence says which header is missing', async ({ page }) => {
    await start();
    await page.goto(`${host.url}#/wallet`);
    await expect(page.getByText(errors.VAULT_UNGUARDED).first()).toBeVisible();
    await expect(button(page, en.wallet.create)).toHaveCount(0);
    // Nothing is damaged: no sentence that leads to an erasure.
    await expect(page.getByText(errors.VAULT_CORRUPT)).toHaveCount(0);
    await goTo(page, 'pila');
    await button(page, en.pila.start).click();
    await expect(page.getByText(errors.VAULT_UNGUARDED).first()).toBeVisible();
    await expect(button(page, en.pila.start)).toBeEnabled();
    expect(workersOf(page).filter((url) => url.includes('miner'))).toEqual([]);
    const databases = await page.evaluate(() => indexedDB.databases());
    expect(databases.map(({ name }) => name)).not.toContain('pila-vault');
    // By now the keys were asked how they are.
    await goTo(page, 'wallet');
    await expect(page.getByText(errors.VAULT_UNGUARDED).first()).toBeVisible();
    await expect(button(page, en.wallet.create)).toHaveCount(0);
  });

  const expectNoKeys = async (page: Page, policy: string) => {
    await start((path) => withPolicy(path, policy));
    await page.goto(`${host.url}#/wallet`);
    await expect(page.getByText(errors.VAULT_UNGUARDED).first()).toBeVisible();
  };

  test('nor with a policy that connects to its server', async ({ page }) => {
    await expectNoKeys(page, "connect-src 'self' ws: wss:; script-src 'self'");
  });

  test('nor with one that lets text become code', async ({ page }) => {
    await expectNoKeys(page, "default-src 'none'; script-src 'self' 'unsafe-eval'");
  });

  test('with the one header for the keys’ worker they are made', async ({ page }) => {
    await start((path) => withPolicy(path, VAULT_POLICY));
    await page.goto(`${host.url}#/wallet`);
    await createKeys(page);
    await expect(button(page, en.wallet.receive)).toBeVisible();
  });
});
