// Mines, and answers for pay, until so many blocks are found:
//   PILA_KEY=… npx node examples/serve.ts http://localhost:8790/ [blocks] [VLT for 1000 tokens]
import { createPila, formatAmount, parseAmount } from 'pila/node';

const [network, blocks = 'Infinity', price] = process.argv.slice(2) as [string, string?, string?];
const { PILA_KEY: key = '', PILA_DATA: data = '.data/examples' } = process.env;
const pila = await createPila({ network, key, data });

async function tellAnswers(): Promise<void> {
  for await (const { work } of pila.events('provided'))
    console.log(`${work.answers} answers, ${formatAmount(work.earned)} VLT`);
}

const answers = price === undefined || { tokenPrice: parseAmount(price) };
const telling = tellAnswers();
let found = 0;
for await (const status of pila.mine({ backend: 'cpu', answers })) {
  if (status.blocksFound === found) continue;
  found = status.blocksFound;
  console.log(`found ${found} blocks for ${pila.address}`);
  if (found >= Number(blocks)) break;
}
await pila.stop();
await telling;
