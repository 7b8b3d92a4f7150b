import { svelte } from '@sveltejs/vite-plugin-svelte';
import { globSync, readFileSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
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

/**
 * Folders whose files run in processes that stay: what one has imported, the next doesn't load and compile again, which
 * takes a third to a whole second of a processor for each file of its own process.
 */
const STAYING = [
  'chain',
  'client',
  'core',
  'lib',
  'miner',
  'models',
  'net',
  'node',
  'ui',
  'wallet',
];
/**
 * What others in its process would meet, such as globals, or hooks at the top of a helper, which are set only once; and
 * what is not this process alone.
 */
const OF_ITS_OWN =
  /\bvi\.(?!fn\b)|fake-indexeddb\/auto|globalThis\.|process\.on\b|\/peers\.ts'|seed\.ts'|chromium|webgpu|child_process|worker_threads/;
const staying = globSync(`test/{${STAYING.join()}}/**/*.test.ts`).filter(
  (file) => !file.includes('browser') && !OF_ITS_OWN.test(readFileSync(file, 'utf8')),
);

/** A fresh clone knows no durations: without this a long file may start last and run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      // A process stays for the file that comes next.
      if (project.name === 'staying') return LONGEST.length + 1;
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  plugins: [svelte()],
  test: {
    // Four on two cores: the longest files wait for blocks and offers of real seeds.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'own',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...staying],
        },
      },
      { extends: true, test: { name: 'staying', include: staying, isolate: false } },
    ],
  },
});
