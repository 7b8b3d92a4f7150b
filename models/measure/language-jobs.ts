/** What a report of a language model has to compute, spread over lanes, and kept on disk so that each is done once. */
import { join } from 'node:path';
import { keptFile, nameOf } from './kept-file.ts';
import type { Compared } from './language-figures.ts';
import type { Lane, Said, Side } from './language.ts';

export interface Kept {
  readonly folder: string;
  /** Names weights and package. */
  readonly key: string;
}

/** The same arguments have the same result. */
async function once<T>({ folder, key }: Kept, job: readonly unknown[], run: () => Promise<T>) {
  const path = join(folder, `${nameOf(JSON.stringify([key, ...job]))}.json`);
  const file = await keptFile(path, async () => JSON.stringify(await run()));
  return JSON.parse(file.toString('utf8')) as T;
}

type Job = (lane: Lane) => Promise<void>;

/** Each lane does one after the other, in their order. */
async function spread(lanes: readonly Lane[], jobs: readonly Job[]): Promise<void> {
  const open = jobs.values();
  await Promise.all(
    lanes.map(async (lane) => {
      for (const job of open) await job(lane);
    }),
  );
}

/** Answers of both to the same inputs, in their order. */
export interface Answers {
  readonly float: readonly (readonly number[])[];
  readonly exact: readonly (readonly number[])[];
}

export interface Measured {
  /** Of each passage. */
  readonly compared: readonly Compared[];
  readonly answers: readonly Answers[];
}

export interface Measuring {
  readonly passages: readonly Uint32Array[];
  /** What is asked, each once with every one of the options. */
  readonly inputs: readonly Uint32Array[];
  readonly said: readonly Said[];
  readonly lanes: readonly Lane[];
  readonly kept: Kept;
  readonly log: (line: string) => void;
}

export async function measureLanguage(m: Measuring): Promise<Measured> {
  const compared: Compared[] = [];
  const answers = m.said.map(() => ({ float: [] as number[][], exact: [] as number[][] }));
  const inputs = m.inputs.map((ids) => [...ids]);
  const asked = m.said.flatMap((said, i) =>
    (['float', 'exact'] as const).map((side: Side): Job => async (lane) => {
      answers[i]![side] = await once(m.kept, [side, said, inputs], () =>
        lane.answers(side, m.inputs, said),
      );
      m.log(`${inputs.length} answers, ${side}, ${JSON.stringify(said)}`);
    }),
  );
  const texts = m.passages.map((ids, i): Job => async (lane) => {
    compared[i] = await once(m.kept, ['compare', [...ids]], () => lane.compare(ids));
    m.log(`passage ${i + 1} of ${m.passages.length}: ${ids.length} tokens`);
  });
  await spread(m.lanes, [...texts, ...asked]);
  return { compared, answers };
}
