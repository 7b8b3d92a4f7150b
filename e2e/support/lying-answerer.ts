/** What answers in a lying seed: every row is another than the model's, and so is the third token. */
import { createAnswerer as createHonest } from '../../src/client/mining/answerer.ts';

/** Place of the token that is false, from 1. */
export const FALSE_TOKEN = 3;

export function createAnswerer(...given: Parameters<typeof createHonest>) {
  const honest = createHonest(...given);
  return {
    ...honest,
    answer: async (job: Parameters<typeof honest.answer>[0]) =>
      (await honest.answer(job)).map((row) => row.map((byte) => byte ^ 1)),
    async *generate(job: Parameters<typeof honest.generate>[0]) {
      let place = 0;
      for await (const made of honest.generate(job))
        yield ++place === FALSE_TOKEN ? { ...made, token: made.token ^ 1 } : made;
    },
  };
}
