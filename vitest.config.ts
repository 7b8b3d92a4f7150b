import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, in a browser, on a software GPU or between processes, the longest first. */
const LONGEST = [
  'miner/webgpu.test.ts',
  'node/contributor.test.ts',
  'sim/sim.test.ts',
  'net/browser.browser.test.ts',
  'node/seed/chat-for-pay.test.ts',
  'miner/webgpu-models.test.ts',
  'examples.test.ts',
  'models/fetch.test.ts',
  'node/seed.test.ts',
  'node/two-seeds.test.ts',
  'miner/webgpu-kernels.test.ts',
  'miner/webgpu-executor.test.ts',
  'browser/webgpu.browser.test.ts',
  'channel-sim/channel-sim.test.ts',
  'node/http/infer-over-channels.test.ts',
  'node/seed/answers-for-pay.test.ts',
  'client/mining/answerer.test.ts',
  'models/llama/import.test.ts',
  'models/import/import.test.ts',
  'models/generated.test.ts',
  'miner/shapes.test.ts',
  'models/checkpoint.test.ts',
  'wallet/strength.test.ts',
  'miner/gpu-tuning.test.ts',
  'fuzz/fuzz.test.ts',
  'miner/cpu/lanes.test.ts',
];

/** A fresh clone knows no durations: without this a long file may start last and run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ['test/**/*.test.ts'],
    // Four on two cores: the longest files wait for blocks and offers of real seeds.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
