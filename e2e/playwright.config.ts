import { defineConfig } from '@playwright/test';
import { CHROMIUM_FLAGS, WEBGPU_FLAGS, WEBRTC_FLAGS, findChromium } from '../test/chromium.ts';

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  // Real mining in a software GPU on two cores: one browser at a time, and patience.
  workers: 1,
  // What passes only at the second try is listed as flaky, and to be looked into.
  retries: 1,
  timeout: 180_000,
  expect: { timeout: 60_000 },
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
