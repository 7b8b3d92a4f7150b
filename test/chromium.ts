/** Finds a Chromium: CHROMIUM, an installed one, Playwright's; else installs Debian's or Playwright's. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from '@playwright/test';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Path of a Chromium that is there now. */
const installed = (): string | undefined =>
  [process.env['CHROMIUM'], ...PLACES, chromium.executablePath()].find((p) => p && existsSync(p));

const tryRun = (command: string, ...args: string[]): void => {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch {
    // The next way is tried; the caller says when none is left.
  }
};

/** @throws Error when none can be found or installed */
export function findChromium(): string {
  const found = installed();
  if (found) return found;
  if (existsSync('/usr/bin/apt-get') && process.getuid?.() === 0) {
    tryRun('apt-get', 'update', '-qq');
    tryRun('apt-get', 'install', '-y', '-qq', 'chromium');
  }
  if (!installed()) tryRun('npx', 'playwright', 'install', 'chromium');
  const got = installed();
  if (!got) throw new Error('no Chromium: install one, or set CHROMIUM to its path');
  return got;
}

const UNUSED = [
  // Pages for menus of the address bar, made beside each context: half of the time that opening one took.
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  // Of Playwright's own list, whose place this takes: what bears on pages.
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'PreconnectToSearch',
  'MediaRouter',
];
/** The flag that counts is the last one: it names all that is left out. */
export const withoutFeatures = (...more: readonly string[]): string =>
  `--disable-features=${[...UNUSED, ...more].join(',')}`;

/** Flags for headless test runs: quiet, with software WebGPU, with WebRTC on loopback. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  withoutFeatures(),
];
export const WEBGPU_FLAGS = ['--enable-unsafe-webgpu'];
export const NO_WEBGPU_FLAGS = [withoutFeatures('WebGPU', 'WebGPUService')];
export const WEBRTC_FLAGS = [
  '--allow-loopback-in-peer-connection',
  '--use-fake-ui-for-media-stream',
];
