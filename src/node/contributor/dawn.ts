/** WebGPU in Node: Dawn, from the package `webgpu`. Large and optional, so it is loaded only on demand. */
import { AppError } from '../../lib/errors.ts';

let opened: Promise<void> | undefined;

/** Adds `navigator.gpu` and WebGPU's classes to this thread's globals. @throws AppError NO_WEBGPU */
export const openDawn = (): Promise<void> =>
  (opened ??= load().catch((cause: unknown) => {
    opened = undefined;
    throw new AppError('NO_WEBGPU', 'WebGPU in Node needs Dawn: npm install webgpu', { cause });
  }));

async function load(): Promise<void> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true });
}
