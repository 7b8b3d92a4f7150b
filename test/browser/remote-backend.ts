/** The WebGPU backend of a Chromium page as a Backend here, so that one contract suite tests it. */
import type { StepInput } from '../../src/core/pow/known.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import { AppError, readError } from '../../src/lib/errors.ts';
import type { Backend, PassInput, PassResult } from '../../src/miner/engine/backend.ts';
import type { BrowserBackend } from './harness.ts';
import { inputToJson, resultFromJson, stepToJson } from './pass-json.ts';

/** Errors cross the page as `…CODE: message`. */
function rethrow(e: unknown): never {
  const [, code, message] = /\b([A-Z]+_[A-Z_]+): (.*)/.exec(String(e)) ?? [];
  throw code ? readError({ code, message: message ?? '' }) : e;
}

/** `name`: a folder of models/. */
export async function createRemoteBackend(browser: BrowserBackend, name: string): Promise<Backend> {
  const device = await browser.call('open', name);
  let last = 0;
  const pass = async (input: PassInput): Promise<PassResult> => {
    if (input.signal?.aborted) throw new AppError('PASS_ABORTED', 'aborted before it began');
    const key = ++last;
    const abort = () => void browser.call('abort', key);
    input.signal?.addEventListener('abort', abort);
    try {
      const result = await browser.call('pass', inputToJson(input), key).catch(rethrow);
      // The way to the worker can take longer than a pass of a small model.
      if (input.signal?.aborted) throw new AppError('PASS_ABORTED', 'aborted on the way');
      return resultFromJson(result);
    } finally {
      input.signal?.removeEventListener('abort', abort);
    }
  };
  const step = async (input: StepInput): Promise<Uint8Array> =>
    fromHex(await browser.call('step', stepToJson(input)).catch(rethrow))!;
  return {
    step,
    kind: 'webgpu',
    device,
    kernel: '',
    depth: 1,
    memoryBytes: () => 0,
    pass,
    lost: new Promise(() => {}),
    close: () => browser.call('close'),
  };
}
