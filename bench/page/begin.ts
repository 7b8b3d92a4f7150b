/**
 * `npm run -s bench:begin`: from the URL to the first completed unit, as a newcomer has it: the built app and a real
 * seed behind a line of 10 Mbit/s, a fresh profile of Chromium without WebGPU, Start pressed as soon as it is there.
 * Ends with 1 when the median is over a minute.
 *
 *   npm run -s build && npm run -s bench:begin -- [--rounds 3] [--mbits 10] [--network local]
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { button } from '../../e2e/support/app.ts';
import { removeData, startSeed } from '../../e2e/support/seed.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import {
  CHROMIUM_FLAGS,
  NO_WEBGPU_FLAGS,
  findChromium,
  WEBRTC_FLAGS,
} from '../../test/chromium.ts';
import { median } from '../measure.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    mbits: { type: 'string', default: '10' },
    network: { type: 'string', default: 'local' },
  },
});
const SECONDS_MAX = 60;
/** After which a page that has done none is given up. */
const PATIENCE_SECONDS = 300;
/** ms before a connection's first byte goes: a round trip on such a line. */
const DELAY_MS = 20;
const PIECE_BYTES = 8 * 1024;

/** A line that all connections share, one way. */
class Line {
  readonly #bytesPerMs: number;
  /** ms, of `performance.now()`: when what was given so far is through. */
  #freeMs = 0;
  bytes = 0;

  constructor(mbits: number) {
    this.#bytesPerMs = (mbits * 1e6) / 8 / 1000;
  }

  async carry(bytes: number): Promise<void> {
    const nowMs = performance.now();
    this.bytes += bytes;
    this.#freeMs = Math.max(this.#freeMs, nowMs) + bytes / this.#bytesPerMs;
    await setTimeout(this.#freeMs - nowMs);
  }
}

/** Pieces of what comes, each after its time on the line. */
async function* over(line: Line, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of source)
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const piece = chunk.subarray(at, at + PIECE_BYTES);
      await line.carry(piece.length);
      yield piece;
    }
}

/** Everything that goes to the seed's port goes over the lines; gives the port of this end. */
async function startSlowly(port: number, down: Line, up: Line) {
  const server = createServer((near: Socket) => {
    const far = connect(port, '127.0.0.1');
    const end = (): void => void [near, far].forEach((socket) => socket.destroy());
    near.on('error', end).on('close', end);
    far.on('error', end).on('close', end);
    const carry = (from: Socket, line: Line, to: Socket): void =>
      void pipeline(from, (source: AsyncIterable<Buffer>) => over(line, source), to).catch(end);
    void setTimeout(DELAY_MS).then(() => carry(near, up, far));
    carry(far, down, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** s from the address to the button, and to the first unit. */
async function visit(url: string): Promise<{ button: number; unit: number }> {
  const args = [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS, ...NO_WEBGPU_FLAGS];
  const browser = await chromium.launch({ executablePath: findChromium(), args });
  try {
    const page = await (await browser.newContext({ locale: 'en' })).newPage();
    const startedMs = performance.now();
    const elapsed = (): number => (performance.now() - startedMs) / 1000;
    await page.goto(url, { waitUntil: 'commit' });
    await button(page, en.pila.start).click();
    const pressed = elapsed();
    // The page's policy forbids Playwright's own polling.
    while (!/● [1-9]/.test(await page.title())) {
      if (elapsed() > PATIENCE_SECONDS) throw new Error(`no unit in ${PATIENCE_SECONDS} s`);
      await page.waitForTimeout(50);
    }
    return { button: pressed, unit: elapsed() };
  } finally {
    await browser.close();
  }
}

const [load] = loadavg();
const seed = await startSeed({ network: values.network });
const all: number[] = [];
try {
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, load ${load!.toFixed(1)}; ${values.network}`,
  );
  for (let i = 0; i < Number(values.rounds); i++) {
    const [down, up] = [new Line(Number(values.mbits)), new Line(Number(values.mbits))];
    const slow = await startSlowly(seed.port, down, up);
    const { button: pressed, unit } = await visit(`http://localhost:${slow.port}/`);
    slow.close();
    all.push(unit);
    const megabytes = (down.bytes / 1e6).toFixed(2);
    console.log(
      `Start after ${pressed.toFixed(1)} s, first unit after ${unit.toFixed(1)} s, ${megabytes} MB received`,
    );
  }
} finally {
  await seed.kill();
  removeData(seed);
}
console.log(`URL to first unit: ${median(all).toFixed(1)} s; at most ${SECONDS_MAX} s is good`);
process.exit(median(all) > SECONDS_MAX ? 1 : 0);
