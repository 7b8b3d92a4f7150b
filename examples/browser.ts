/** The same API in a page: the client runs in a worker of the tab that leads, for all tabs. */
import type { ClientConfig } from '../src/client/api.ts';
import { createPageClient } from '../src/client/browser-tabs/page.ts';
import { parseAddress } from '../src/core/address.ts';

const form = document.querySelector('form')!;
const output = document.querySelector('output')!;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  watch().catch((e: unknown) => (output.textContent = String(e)));
});

async function watch(): Promise<void> {
  const { seed, address } = Object.fromEntries(new FormData(form)) as Record<string, string>;
  const response = await fetch(new URL('config.json', seed));
  const config = (await response.json()) as ClientConfig & { prefix: string };
  const bytes = parseAddress(address!, config.prefix);
  if (!bytes) return void (output.textContent = `no address of ${config.network}`);
  const page = await createPageClient(config);
  page.on((event) => {
    if (event.type !== 'balance') return;
    const { spendable, provenAt } = event.balance;
    output.textContent = `${spendable} nV, proven at block ${provenAt.height}`;
  });
  await page.client.watch(bytes);
}
