/** Visitors opt in: nothing runs or connects before they say so, nothing is remembered, and it ends with their word. */
import { AppError, createPila, type Mining, type Pila } from 'pila';

// A page of your own has its seed and its address here.
const { seed, payTo } = Object.fromEntries(new URLSearchParams(location.search)) as {
  seed: string;
  payTo: string;
};
const box = document.querySelector('input')!;
const output = document.querySelector('output')!;
let pila: Promise<Pila> | undefined;
let mining: Mining | undefined;

box.addEventListener('change', () => {
  if (box.checked) work().catch(tell);
  else mining?.stop().catch(tell);
});

async function work(): Promise<void> {
  pila ??= createPila({ network: seed });
  const { mine } = await pila;
  if (!box.checked) return;
  mining = mine({ payTo, share: 0.25, backend: 'auto' });
  for await (const { state, units } of mining) output.textContent = `${state}, ${units} units`;
  output.textContent = 'It does nothing.';
}

function tell(error: unknown): void {
  const { code, message } = AppError.from(error);
  output.textContent = `${code}: ${message}`;
  box.checked = false;
}
