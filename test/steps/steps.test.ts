/** Every step of tiny is judged alone, true and corrupted. `npm run -s steps` has the other models. */
import { expect, test } from 'vitest';
import { readModel } from '../oracle/models.ts';
import { judgeModel } from './judge-model.ts';

test('each step of tiny is judged alone: true ones hold, corrupted ones are found', async () => {
  const lines: string[] = [];
  const found = await judgeModel(await readModel('tiny'), 'quick', (line) => lines.push(line));
  expect(lines).toEqual(['tiny: 5 steps, 39 corruptions']);
  expect(found).toEqual({ steps: 5, held: 5, corrupted: 39, found: 39 });
});
