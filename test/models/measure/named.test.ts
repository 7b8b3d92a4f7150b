/** Reports of named weights: what is missing is said, and a small decoder's files become a report. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NAMED_WEIGHTS, namedWeights } from '../../../models/fetch/named.ts';
import { importFiles } from '../../../models/import/llama/import-files.ts';
import { reportLanguage } from '../../../models/measure/language-named.ts';
import { reportNamed } from '../../../models/measure/named.ts';
import type { Passage } from '../../../models/texts/passages.ts';
import type { ChatMessage } from '../../../src/client/api.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { IMPORTED, importedRows, LABELLING } from '../llama/imported.ts';
import { fieldsOf, generated, ggufOf } from '../llama/read/generated.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pila-named-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (path: string, bytes: Uint8Array | string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
};

test.each(NAMED_WEIGHTS.map(({ name }) => name))(
  'without the files of %s a report is skipped, with the command that brings them',
  async (name) => {
    const weights = namedWeights(name)!;
    const cache = join(folder, `cache-${name}`);
    const missing = `skipped: ${name} is not on this machine; npm run model:fetch -- ${name} brings it`;
    expect(await reportNamed(weights, { rounds: 1, every: 1 }, cache)).toBe(missing);
    for (const { name: file } of weights.files) write(join(cache, 'weights', name, file), '');
    expect(await reportNamed(weights, { rounds: 1, every: 1 }, cache)).toBe(missing);
    const manifest = join(import.meta.dirname, '../../../models/minilm/manifest.json');
    mkdirSync(join(cache, 'models', name), { recursive: true });
    cpSync(manifest, join(cache, 'models', name, 'manifest.json'));
    expect(await reportNamed(weights, { rounds: 1, every: 1 }, cache)).toBe(
      'skipped: no texts to measure on; npm run model:texts makes them',
    );
  },
);

/** Begins as the package does, which puts its prefix before every input. */
const TEMPLATE = "{% for m in messages %}<|begin|>{{ m['content'] }}<|stop|>{% endfor %}<|begin|>";
const CHATS: readonly (readonly ChatMessage[])[] = ['Who are you?', 'List <|stop|> two!'].map(
  (content) => [{ role: 'user', content }],
);
const PASSAGES = (['prose', 'code', 'known'] as const).flatMap((kind, i) =>
  [40, 64].map((tokens): Passage => {
    const text = `${'123 ab xy the '.slice(i)}`.repeat(20);
    return { kind, name: 'made up', text, tokens };
  }),
);

test('a file of weights and its package become a report, each lane in a thread of its own', async () => {
  const model = generated(IMPORTED);
  const fields = fieldsOf(model).set('tokenizer.chat_template', ['text', TEMPLATE]);
  const [weights, rows] = [join(folder, 'small.gguf'), join(folder, 'rows.txt')];
  write(weights, ggufOf(model, fields));
  write(
    rows,
    importedRows()
      .map((row) => row.join(' '))
      .join('\n'),
  );
  const out = join(folder, 'package');
  const made = await importFiles({
    path: weights,
    rows,
    lengths: [96],
    labelling: LABELLING,
    out,
  });
  const [texts, kept] = [join(folder, 'passages.json'), join(folder, 'kept')];
  write(texts, JSON.stringify({ seed: 1, passages: PASSAGES }));
  const log: string[] = [];
  const files = { weights, package: out, texts, kept };
  const how = { chats: CHATS, log: (line: string) => log.push(line) };
  const report = await reportLanguage(files, how);

  expect(log).toHaveLength(PASSAGES.length + 4);
  expect(report.split('\n')[0]).toBe(`# ${LABELLING.name}: exact against float`);
  expect(report).toContain(`| id | \`${toHex(made.model.id)}\` |`);
  // 39 and 63 tokens of each kind are scored.
  expect(report).toMatch(/\| \*\*all but known by heart\*\* \| 4 \| 204 \| [\d.]+ → [\d.]+ \|/);
  expect(report).toMatch(/\| known by heart \(no bar\) \| 2 \| 102 \|/);
  expect(report).toMatch(/\| \*user:\* List \\<\\\|stop\\\|\\> two! \| .+ \| .+ \|/);
  expect(report).toMatch(
    /\| default options \| temperature 0.70, top-k all, top-p 0.90, penalty 1.10/,
  );
  // Again, from what is kept.
  const held = readdirSync(kept);
  expect(await reportLanguage(files, how)).toBe(report);
  expect(readdirSync(kept)).toEqual(held);

  const part = await reportLanguage(files, { ...how, every: 2 });
  expect(part).toContain('| **all but known by heart** | 2 | 78 |');
  expect(part).toContain('one of 2 alone');
}, 180_000);
