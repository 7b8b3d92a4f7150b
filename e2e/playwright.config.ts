import { defineConfig } from '@playwright/test';
import { CHROMIUM_FLAGS, WEBGPU_FLAGS, WEBRTC_FLAGS, findChromium } from '../test/chromium.ts';

/** What takes longest, mostly waiting for blocks, comes first: else it runs alone at the end. */
const LONGEST = [
  'first-run',
  'mesh',
  'rules',
  'prepaid/*',
  'wallet/wallet-keys',
  'wallet/migration',
  'wallet/profile',
  'wallet/wallet-use',
  'language/*',
  'mining/*',
  'reorganisation',
  'lingua',
  'stay',
  'tabs',
].map((name) => `**/${name}.spec.ts`);

export default defineConfig({
  testDir: '.',
  projects: [
    { name: 'longest', testMatch: LONGEST },
    { name: 'others', testMatch: '**/*.spec.ts', testIgnore: LONGEST },
  ],
  // Tests wait more than they compute: four files at a time on two cores, with what runs beside, and patience.
  workers: 4,
  // What does not pass at once is looked into.
  retries: 0,
  // One patience for all, on a machine at a quarter of its speed: what comes costs nothing by it, speed lives in bench/.
  timeout: 900_000,
  expect: { timeout: 180_000 },
  reporter: [['list'], ['json']],
  outputDir: '../test-results',
  use: {
    browserName: 'chromium',
    headless: true,
    trace: 'off',
    launchOptions: {
      executablePath: findChromium(),
      args: [...CHROMIUM_FLAGS, ...WEBGPU_FLAGS, ...WEBRTC_FLAGS],
    },
  },
});
