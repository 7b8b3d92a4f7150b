/** In a page's worker: takes segments from the server that gave this file, runs them on WebGPU, gives back. */
import { openDevice } from '../../src/miner/webgpu/device.ts';
import { configureOrt } from '../../src/miner/engine/ort-place.ts';
import { onDevice } from '../../src/miner/engine/segments.ts';
import { runTask, type Task } from './session.ts';

configureOrt({ wasmPaths: new URL('/ort/', location.href).href });

const give = (body: unknown): Promise<Response> =>
  fetch('/result', { method: 'POST', body: JSON.stringify(body) });
const textOf = (e: unknown): string =>
  e instanceof Error ? `${e.message} ${e.cause ? textOf(e.cause) : ''}` : String(e);

try {
  const { device, name } = await openDevice(navigator.gpu, true);
  await give({ device: name });
  const options = onDevice(device);
  for (;;) {
    const response = await fetch('/task');
    if (response.status !== 200) break;
    const task = (await response.json()) as Task;
    await give(
      await runTask(task, options).then(
        (outputs) => ({ outputs }),
        (e: unknown) => ({ error: textOf(e) }),
      ),
    );
  }
} catch (e) {
  await give({ error: textOf(e) });
}
