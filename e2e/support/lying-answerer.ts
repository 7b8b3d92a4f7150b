/** What answers in a lying seed: every row is another than the model's. */
import { createAnswerer as createHonest } from '../../src/client/mining/answerer.ts';

export function createAnswerer(...given: Parameters<typeof createHonest>) {
  const honest = createHonest(...given);
  return {
    ...honest,
    answer: async (job: Parameters<typeof honest.answer>[0]) =>
      (await honest.answer(job)).map((row) => row.map((byte) => byte ^ 1)),
  };
}
