// A proven balance:   npx node examples/balance.ts http://localhost:8790/ rpila1…
import { createPila } from 'pila/node';

const [network, address] = process.argv.slice(2) as [string, string];
const pila = await createPila({ network });
const { spendable, provenAt } = await pila.balance(address);
console.log(`${spendable} nV, proven at block ${provenAt.height}`);
await pila.stop();
