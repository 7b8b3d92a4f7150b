/** The shipped package gets right what its record says: exact inference has exact counts. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { answersOf } from '../../models/answers.ts';
import { readRow } from '../../src/core/reading.ts';
import { readModel } from '../oracle/models.ts';

const json = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../models/lingua/${name}`, import.meta.url), 'utf8')) as T;

/** Of every eighth text of a language of the general set, from the fourth on. */
const RECORD = { right: 93, of: 94, told: 94 };

it('lingua is as right on a fixed part of the general test set as recorded', async () => {
  const rows = Object.entries(json<Record<string, string[]>>('test/general.json')).flatMap(
    ([label, texts]) => texts.filter((_, i) => i % 8 === 3).map((text) => ({ label, text })),
  );
  const model = await readModel('lingua');
  const answers = await (await answersOf(model))(rows.map(({ text }) => text));
  const readings = answers.map((row) => readRow(row, model.manifest.labels));
  const right = readings.filter(({ best }, i) => best === rows[i]!.label).length;
  const told = readings.filter(({ label }) => label !== undefined).length;
  expect({ right, of: rows.length, told }).toEqual(RECORD);
}, 60_000);
