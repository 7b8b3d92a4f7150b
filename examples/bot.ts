// A bot that answers each line that it reads:   npx node examples/bot.ts http://localhost:8790/ smollm2 < questions.txt
import { createInterface } from 'node:readline';
import { AppError, createPila, type ChatMessage } from 'pila/node';

/** Messages that it remembers. */
const REMEMBERED = 8;

const [network, model] = process.argv.slice(2) as [string, string];
const pila = await createPila({ network, data: process.env.PILA_DATA ?? '.data/examples' });
await pila.fetchModel(model);
const system: ChatMessage = { role: 'system', content: 'Answer in one short sentence.' };
let said: ChatMessage[] = [];
for await (const content of createInterface(process.stdin)) {
  said.push({ role: 'user', content });
  try {
    const { text } = await pila.chat([system, ...said], { model, maxTokens: 40 }).whole();
    said.push({ role: 'assistant', content: text });
    console.log(`> ${content}\n${text}`);
  } catch (error) {
    // An empty line, or one that is too long: the next one is answered all the same.
    said.pop();
    console.log(`> ${content}\n(${AppError.from(error).code})`);
  }
  said = said.slice(-REMEMBERED);
}
await pila.stop();
