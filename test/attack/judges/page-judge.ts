/**
 * A page as a judge: the built client in a real Chromium, in its own worker, behind its own port. One browser holds
 * all pages; each has a profile of its own.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from '@playwright/test';
import { build } from 'esbuild';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedTx } from '../../../src/core/formats.ts';
import { Block, SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import type { NetworkName } from '../../../src/core/params.ts';
import { fromHex, toHex } from '../../../src/lib/bytes.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../chromium.ts';
import type { Heard, Judge, JudgeName } from './judge.ts';
import type { PageJudgeApi } from './page.ts';
import type { AnswerOf } from './wire.ts';

const ROOT = join(import.meta.dirname, '../../..');

export interface Pages {
  open(options: PageJudgeOptions): Promise<Judge>;
  stop(): Promise<void>;
}

export interface PageJudgeOptions {
  readonly name: JudgeName;
  /** Of the seed that serves the app. */
  readonly url: string;
  readonly network: NetworkName;
  readonly genesis: string;
  readonly answer: AnswerOf;
  readonly model: string | undefined;
}

/** The page's script: the wire, and the page's side of the worker's port. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page.ts')],
    bundle: true,
    format: 'iife',
    target: 'esnext',
    conditions: ['browser'],
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

/** Address of the built client worker. */
function workerPath(): string {
  const file = readdirSync(join(ROOT, 'dist/assets')).find((f) =>
    /^client\.worker-.*\.js$/.test(f),
  );
  if (!file) throw new Error('no built client: npm run build makes it');
  return `assets/${file}`;
}

export async function openPages(): Promise<Pages> {
  const [script, browser] = await Promise.all([bundle(), launch()]);
  return {
    async open(options) {
      const page = await (await browser.newContext({ bypassCSP: true })).newPage();
      return await openPageJudge(page, script, options);
    },
    stop: () => browser.close(),
  };
}

const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS });

type Call = { readonly [K in keyof PageJudgeApi]: PageJudgeApi[K] };

async function openPageJudge(
  page: Page,
  script: string,
  { name, url, network, genesis, answer, model }: PageJudgeOptions,
): Promise<Judge> {
  const call = <M extends keyof Call>(method: M, ...args: Parameters<Call[M]>) =>
    page.evaluate(
      ([m, a]) =>
        (globalThis as unknown as { pila: Record<string, (...args: unknown[]) => unknown> }).pila[
          m as string
        ]!(...(a as unknown[])) as never,
      [method, args] as const,
    ) as Promise<Awaited<ReturnType<Call[M]>>>;
  page.on('pageerror', (e) => console.error(`${name}: ${e.message}`));
  await page.exposeFunction('pilaAnswer', async (peer: string, request: string) =>
    toHex(encode(SyncResponse, await answer(peer, decode(SyncRequest, fromHex(request)!)))),
  );
  // A document of the app's origin that starts no app of its own.
  await page.goto(`${url}config.json`);
  await page.evaluate(script);
  const config = { network, bootstrap: [], genesis };
  await call('start', `${url}${workerPath()}`, config, model);
  return {
    name,
    tell: (peer, block): Promise<Heard> => call('tell', peer, toHex(encode(Block, block))),
    tellTx: (peer, tx): Promise<Heard> => call('tellTx', peer, toHex(encode(SignedTx, tx))),
    head: () => call('head'),
    points: (peer) => call('points', peer),
    meet: (peer) => call('meet', peer),
    leave: (peer) => call('leave', peer),
    stop: () => page.context().close(),
  };
}
