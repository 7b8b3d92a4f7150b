/** An address by the camera: a browser of its own, whose camera shows a film of a QR code. */
import { writeFileSync } from 'node:fs';
import { chromium, expect, test } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { keyring as words } from '../../src/ui/i18n/en/keyring.ts';
import { qrPath } from '../../src/ui/wallet/qr.ts';
import { CHROMIUM_FLAGS, WEBRTC_FLAGS, findChromium } from '../../test/chromium.ts';
import { button, createKeysWithCoins } from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from '../support/seed.ts';

const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');
let seed: Seed;
test.beforeAll(async () => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
});
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** A film of one picture for Chromium's false camera: luma only. */
function filmOf(text: string, path: string): void {
  const [width, height, cell] = [640, 480, 8];
  const { side, path: drawing } = qrPath(text);
  const luma = new Uint8Array(width * height).fill(235);
  for (const [, x, y] of drawing.matchAll(/M(\d+) (\d+)/g))
    for (let row = 0; row < cell; row++) {
      const at = (40 + Number(y) * cell + row) * width + 100 + Number(x) * cell;
      luma.fill(16, at, at + cell);
    }
  expect(side * cell).toBeLessThan(height - 40);
  const chroma = new Uint8Array((width * height) / 2).fill(128);
  const header = `YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`;
  writeFileSync(path, Buffer.concat([Buffer.from(`${header}FRAME\n`), luma, chroma]));
}

/** In the page: keeps what the camera gives, so that it can be asked whether it still runs. */
function keepTracks(): void {
  const tracks: MediaStreamTrack[] = [];
  Object.assign(globalThis, { tracks });
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    tracks.push(...stream.getTracks());
    return stream;
  };
}

test('a QR code is read by the camera, which stops then', async () => {
  const film = test.info().outputPath('code.y4m');
  filmOf(OTHER, film);
  const camera = [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`,
  ];
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...camera],
  });
  const page = await browser.newPage();
  await page.addInitScript(keepTracks);
  const dialog = page.getByRole('dialog');
  const press = (name: string) => dialog.getByRole('button', { name, exact: true }).click();
  await page.goto(`${seed.url}#/wallet`);
  // Without coins nothing is sent, by camera neither.
  await createKeysWithCoins(page);
  await button(page, en.wallet.send).click();
  await press(words.scan.open);
  await press(words.scan.camera);
  await expect(dialog.getByLabel(en.send.to, { exact: true })).toHaveValue(OTHER);
  await expect(dialog.locator('video')).toHaveCount(0);
  const states = () =>
    page.evaluate(() =>
      (globalThis as unknown as { tracks: MediaStreamTrack[] }).tracks.map((t) => t.readyState),
    );
  expect(await states()).toEqual(['ended']);
  await browser.close();
});
