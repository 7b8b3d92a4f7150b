// An answer of another one for pay, over a channel, with its receipt:
//   PILA_KEY=… npx node examples/chat-paid.ts http://localhost:8790/ lingua "ciao a tutti"
import { createPila, toHex } from 'pila/node';

const [network, model, question] = process.argv.slice(2) as [string, string, string];
const { PILA_KEY: key = '', PILA_DATA: data = '.data/examples' } = process.env;
const pila = await createPila({ network, key, data });
await pila.fetchModel(model);
const answer = pila.ask(model, question, { maxTokens: 64 });
// Of a language model; a label comes whole.
for await (const piece of answer) process.stdout.write(piece);
const { text, cost, shared } = await answer.whole();
console.log(`\n${text ?? 'can’t tell'}, for ${cost} nV`);
console.log(`shared ${toHex(shared)}`);
await pila.closeChannels();
console.log('closed: the rest is back');
await pila.stop();
