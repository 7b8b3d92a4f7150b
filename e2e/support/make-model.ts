/** Makes the model that only these tests use, before any of them runs: seeds read the folder at their start. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Only the manifest of this model is in the repository. */
export const MADE_MODEL = 'broad';

export default function makeModel(): void {
  execFileSync(process.execPath, ['models/build.ts', MADE_MODEL], {
    cwd: join(import.meta.dirname, '../..'),
  });
}
