/** The WebGPU backend in Chromium, ONNX Runtime included, against the CPU backend in Node. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokensOf } from '../../src/core/pow/seed.ts';
import type { Backend, ModelPackage, PassInput } from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { backendContract } from '../contracts/backend.contract.ts';
import { readModel } from '../oracle/models.ts';
import { randomBytes } from '../oracle/random.ts';
import { BrowserBackend, hasChromium } from './harness.ts';
import { inputToJson, resultToJson } from './pass-json.ts';
import { createRemoteBackend } from './remote-backend.ts';

if (!hasChromium()) console.warn('webgpu.browser: skipped, no Chromium (set CHROMIUM_PATH)');
const PATIENCE_MS = 240_000;

describe.skipIf(!hasChromium())('WebGPU backend in Chromium', { timeout: PATIENCE_MS }, () => {
  let browser: BrowserBackend;
  let cpu: Backend;
  let model: ModelPackage;
  beforeAll(async () => {
    model = await readModel('tiny');
    cpu = await createCpuBackend(model);
    browser = await BrowserBackend.open();
    await browser.call('open', 'tiny');
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await cpu?.close();
  });

  const unit = (seed: string, limit: bigint): PassInput => {
    const sigma0 = randomBytes(seed, 32);
    const limits = model.manifest.linears.map(() => limit);
    return { tokens: tokensOf(sigma0, model.manifest), sigma0, limits };
  };
  const both = async (input: PassInput) => {
    const got = await browser.call('pass', inputToJson(input));
    return { got, want: resultToJson(await cpu.pass(input)) };
  };
  const all = (1n << 256n) - 1n;

  it('passes the self-test', () => browser.call('selfTest'));

  it('measures its kernels once, and remembers them over devices', async () => {
    const measured = await browser.call('kernel');
    expect(measured).toMatch(/^(dp4a|f32) \d+\.\d\d GMAC\/s/);
    expect(await browser.call('tunings')).toBe(1);
    // Measured anew, some digit would differ.
    await browser.call('open', 'tiny');
    expect(await browser.call('kernel')).toBe(measured);
    expect(await browser.call('tunings')).toBe(1);
  });

  it('gives the bytes of the CPU backend, noisy and plain', async () => {
    for (const limit of [0n, all / 100n, all]) {
      const { got, want } = await both({ ...unit(`noisy ${limit}`, limit), capture: 2 });
      expect(got).toEqual(want);
    }
    const plain = { ...unit('plain', 0n), sigma0: undefined, limits: [] };
    const { got, want } = await both(plain);
    expect(got).toEqual(want);
    expect(got.t).toEqual([]);
  });

  it('refuses a software adapter unless forced', async () => {
    const opening = browser.call('open', 'tiny', { forceFallback: false });
    // Only where Chromium has nothing else: on a machine with a GPU this opens it.
    const refused = await opening.then(
      (device) => (/swiftshader/i.test(device) ? 'accepted' : 'hardware'),
      (e: Error) => e.message,
    );
    expect(refused).toMatch(/NO_WEBGPU|hardware/);
  });

  it('reports a lost device', async () => {
    await browser.call('openShared', 'tiny');
    const passing = browser.call('pass', inputToJson(unit('lost', 0n)));
    await browser.call('loseDevice');
    await expect(passing).rejects.toThrow('DEVICE_LOST');
    await expect(browser.call('pass', inputToJson(unit('lost', 0n)))).rejects.toThrow(
      'DEVICE_LOST',
    );
  });

  describe('as a Backend', () => {
    backendContract(() => createRemoteBackend(browser, 'tiny'), { units: 1, tiles: 2 });
  });
});
