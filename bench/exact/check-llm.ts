/**
 * `npm run -s check:llm`: the steps of a language model and passes over the same texts must give the same bytes: the
 * operand of every linear, and the answer, of each token. On a generated decoder, on the processor; texts of random
 * tokens and of all lengths of its shapes, several at different depths in one step, some taken back and said otherwise.
 *
 *   npm run -s check:llm -- [--tokens 10000] [--seed text]
 */
import { parseArgs } from 'node:util';
import { decoderPackage, DECODER_SMALL } from '../../test/models/decoder.ts';
import {
  differing,
  openStepping,
  passRows,
  type Row,
} from '../../test/miner/generator/stepping.ts';
import { createRandom } from '../../test/sim/random.ts';

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '10000' },
    seed: { type: 'string', default: 'llm' },
  },
});
const wanted = Number(values.tokens);
const random = createRandom(1, values.seed);
const SHAPES = [32, 64, 128];
const CONTEXT = SHAPES.at(-1)!;
const [sequences, together] = [4, 8];
const model = decoderPackage({
  ...DECODER_SMALL,
  layers: 2,
  sequences,
  tokens: SHAPES[0]!,
  blockKeys: SHAPES[0]!,
  otherShapes: SHAPES.slice(1).map((tokens) => ({ sequences, tokens })),
});
const stepping = await openStepping(model, { together, conversations: sequences });
const { engine } = stepping;

interface Talk {
  readonly conversation: number;
  readonly text: number[];
  readonly rows: Row[];
  readonly length: number;
}

/** Makes texts step by step, up to `together` tokens at once. @returns what each became */
async function talks(): Promise<Talk[]> {
  const all = Array.from({ length: sequences }, (): Talk => {
    const length = random.int(1, CONTEXT);
    return { conversation: engine.open(), text: [], rows: [], length };
  });
  for (;;) {
    const requests: (readonly [Talk, number])[] = [];
    for (const talk of all) {
      const room = Math.min(talk.length - talk.text.length, together - requests.length);
      if (room < 1) continue;
      if (random.int(0, 30) === 0) {
        const length = random.int(0, talk.text.length);
        engine.truncate(talk.conversation, length);
        talk.text.length = talk.rows.length = length;
      }
      for (let i = random.int(1, Math.min(3, room)); i > 0; i--)
        requests.push([talk, random.int(1, model.manifest.vocabulary - 1)]);
    }
    if (!requests.length) break;
    const rows = await stepping.step(requests.map(([t, token]) => [t.conversation, token]));
    for (const [i, [talk, token]] of requests.entries()) {
      talk.text.push(token);
      talk.rows.push(rows[i]!);
    }
  }
  for (const { conversation } of all) engine.close(conversation);
  return all;
}

let [tokens, wrong, entries] = [0, 0, 0];
while (tokens < wanted) {
  const made = await talks();
  const longest = Math.max(...made.map(({ text }) => text.length));
  const shape = SHAPES.findIndex((length) => length >= longest);
  const passes = await passRows(
    stepping,
    made.map(({ text }) => text),
    shape,
  );
  for (const [i, { rows }] of made.entries())
    for (const [at, row] of rows.entries()) {
      tokens++;
      const found = differing(row, passes[i]![at]!);
      entries += row.reduce((sum, part) => sum + part.length, 0);
      if (found) wrong++;
      if (found && wrong === 1)
        console.log(`  first: token ${at} of ${rows.length}, ${found} entries`);
    }
}
await stepping.backend.close();
console.log(
  `step and pass on the processor, tokens: differing ${wrong} of ${tokens}; ${entries} entries`,
);
process.exitCode = wrong ? 1 : 0;
