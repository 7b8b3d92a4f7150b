/** A proven balance, and how it changes. The peer runs in a worker of the tab that leads, for all tabs. */
import { createPila, formatAmount, type Balance } from 'pila';

const form = document.querySelector('form')!;
const output = document.querySelector('output')!;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  watch().catch((e: unknown) => (output.textContent = String(e)));
});

async function watch(): Promise<void> {
  const { network, address } = Object.fromEntries(new FormData(form)) as Record<string, string>;
  const pila = await createPila({ network: network! });
  show(await pila.balance(address));
  for await (const { balance } of pila.events('balance')) show(balance);
}

function show({ spendable, provenAt }: Balance): void {
  output.textContent = `${formatAmount(spendable)} VLT, proven at block ${provenAt.height}`;
}
