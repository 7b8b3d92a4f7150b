// Classifies by examples, with no training:   npx node examples/classify.ts http://localhost:8790/ "where is my parcel?"
import { cosine, createPila } from 'pila/node';

const EXAMPLES = {
  delivery: ['My order has not arrived yet.', 'When will the package be here?'],
  invoice: ['I was charged twice.', 'Please send me the bill again.'],
  praise: ['Thank you, that was quick!', 'I love this shop.'],
};

const [network, ...texts] = process.argv.slice(2) as [string, ...string[]];
const pila = await createPila({ network });
const labels = Object.entries(EXAMPLES).flatMap(([label, all]) => all.map(() => label));
const known = await pila.embed(Object.values(EXAMPLES).flat());
for (const [i, text] of (await pila.embed(texts)).entries()) {
  // The label of the example that means most nearly the same.
  const near = known.map((each, at) => ({ label: labels[at]!, likeness: cosine(text, each) }));
  const best = near.reduce((a, b) => (b.likeness > a.likeness ? b : a));
  console.log(`${best.label} (${best.likeness.toFixed(2)}): ${texts[i]}`);
}
await pila.stop();
