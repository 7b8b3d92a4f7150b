// A payment, until it is in a block:   PILA_KEY=… npx node examples/send.ts http://localhost:8790/ rpila1… 1.5
import { createPila, parseAmount } from 'pila/node';

const [network, to, amount] = process.argv.slice(2) as [string, string, string];
const { PILA_KEY: key = '', PILA_DATA: data = '.data/examples' } = process.env;
const pila = await createPila({ network, key, data });
const payment = await pila.pay(to, parseAmount(amount), 'an example');
console.log(`sent ${payment.id}`);
console.log(`confirmed in block ${await payment.confirmed()}`);
await pila.stop();
