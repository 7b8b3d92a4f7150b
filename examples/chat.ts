// A language model here, free and offline once it is here:
//   npx node examples/chat.ts http://localhost:8790/ smollm2 "Why does a battery run down?"
import { createPila } from 'pila/node';

const [network, model, question] = process.argv.slice(2) as [string, string, string];
const pila = await createPila({ network, data: process.env.PILA_DATA ?? '.data/examples' });
const percent = (here: number, all: number) => `${Math.floor((100 * here) / all)} %`;
await pila.fetchModel(model, (here, all) => console.error(`${model}: ${percent(here, all)}`));
const answer = pila.chat(question, { model, maxTokens: 100, seed: 'an example' });
for await (const piece of answer) process.stdout.write(piece);
const { tokens, finish } = await answer.whole();
console.log(`\n${tokens} tokens, ended by ${finish}`);
await pila.stop();
