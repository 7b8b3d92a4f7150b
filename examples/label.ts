// What a model says of texts, here and free:   npx node examples/label.ts http://localhost:8790/ lingua "ciao a tutti"
import { createPila } from 'pila/node';

const [network, model, ...texts] = process.argv.slice(2) as [string, string, ...string[]];
const pila = await createPila({ network });
for (const [i, { label, best }] of (await pila.run(model, texts)).entries())
  console.log(`${texts[i]}: ${label ?? `can’t tell, perhaps ${best}`}`);
await pila.stop();
