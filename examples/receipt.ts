// What anybody shared, run again here:   npx node examples/receipt.ts http://localhost:8790/ <hex digits>
import { createPila, toHex } from 'pila/node';

const [network, shared] = process.argv.slice(2) as [string, string];
const pila = await createPila({ network });
const { answer, isEqual, at } = await pila.verify(shared);
console.log(`signed by ${toHex(answer.provider)}`);
console.log(isEqual ? 'the answer is the model’s' : `the answer is WRONG at ${at}`);
await pila.stop();
