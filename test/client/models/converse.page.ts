/** Conversations in a page, with the browser's own thread for tokens. */
import type { TokenApi } from '../../../src/client/models/token-thread.ts';
import { TokenThread } from '../../../src/client/models/token-thread.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { modelId } from '../../../src/core/manifest.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { connect } from '../../../src/lib/rpc.ts';
import { manifestFromJson } from '../../../src/miner/package/package.ts';

/** A package's files as text. */
export interface PackageTexts {
  readonly manifest: string;
  readonly tokenizer: string;
  readonly generation: string;
}

/**
 * Says one thing to each model in turn, in one thread. @param worker source of the thread
 * @returns the input in hex, or the code with which it was refused
 */
async function converseIn(
  worker: string,
  deadlineMs: number,
  all: readonly PackageTexts[],
  content: string,
): Promise<string[]> {
  const address = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
  const thread = new TokenThread(() => {
    const started = new Worker(address, { type: 'module' });
    const api = connect<TokenApi>(started);
    return { api, stop: () => started.terminate() };
  }, deadlineMs);
  const outcomes: string[] = [];
  for (const { manifest, tokenizer, generation } of all) {
    const m = manifestFromJson(JSON.parse(manifest));
    const packages = {
      tokenizer: async () => utf8(tokenizer),
      generation: async () => utf8(generation),
    };
    const texts = createTexts(new Map([[toHex(modelId(m)), m]]), packages, thread);
    const said = texts.converse(modelId(m), [{ role: 'user', content }]);
    outcomes.push(
      await said.then(
        ({ input }) => toHex(input!),
        (e: unknown) => AppError.from(e).code,
      ),
    );
  }
  thread.stop();
  return outcomes;
}
Object.assign(globalThis, { converseIn });
