// Search by meaning, on this computer:   npx node examples/search.ts http://localhost:8790/ "who repairs bikes" notes.txt
import { readFile } from 'node:fs/promises';
import { cosine, createPila } from 'pila/node';

const [network, question, file] = process.argv.slice(2) as [string, string, string];
const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim());
const pila = await createPila({ network });
const [asked, ...known] = await pila.embed([question, ...lines]);
const found = lines
  .map((line, i) => ({ line, likeness: cosine(asked!, known[i]!) }))
  .sort((a, b) => b.likeness - a.likeness);
for (const { line, likeness } of found.slice(0, 3)) console.log(`${likeness.toFixed(2)} ${line}`);
await pila.stop();
