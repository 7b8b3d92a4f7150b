import { defineConfig } from '@playwright/test';
import { CHROMIUM_FLAGS, WEBGPU_FLAGS, WEBRTC_FLAGS, findChromium } from '../test/chromium.ts';

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  // Tests wait more than they compute: three files at a time on two cores, and patience.
  workers: 3,
  // What does not pass at once is looked into.
  retries: 0,
  // Longer than the waits within a test, on a machine at half its speed.
  timeout: 360_000,
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
