/** The steps of a generated decoder against its pass, token by token. */
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { differing, openSteps, passRows, randomTokens, stepRows } from '../miner/executor/steps.ts';
import type { Random } from '../sim/random.ts';
import type { Judged } from './judge.ts';

/** A run is a step of all sequences. */
export async function compareSteps(
  model: ModelPackage,
  r: Random,
): Promise<{ judged: Judged; faults: string[] }> {
  const name = 'steps';
  const { shapes, linears, answerSize } = model.manifest;
  const { sequences, tokens: length } = shapes[0]!;
  const runs = { name, runs: length, left: undefined };
  if (length < 2)
    return { judged: { ...runs, runs: 0, left: 'one token', differs: false }, faults: [] };

  const opened = await openSteps(model, sequences, r.int(1, length));
  const tokens = randomTokens(model, sequences * length, r);
  const pass = await passRows(opened, tokens);
  const widths = [...linears.map(({ k }) => k), answerSize];
  const faults: string[] = [];
  for (let at = 0; at < length; at++) {
    const all = Array.from({ length: sequences }, (_, b) => b);
    const rows = await stepRows(
      opened,
      all.map((b) => tokens[b * length + at]!),
      all.map(() => at),
    );
    for (const b of all) {
      const wrong = differing([rows, b], [pass, b * length + at], widths);
      if (wrong) faults.push(`steps: ${wrong} entries of token ${at} of sequence ${b}`);
    }
  }
  return { judged: { ...runs, differs: faults.length > 0 }, faults };
}
