/**
 * A browser that runs segments on its WebGPU: Chromium (Tint, on SwiftShader where there is no GPU)
 * or Firefox (naga, on lavapipe). Both only open a page, which fetches tasks and posts results: no
 * driver that one of them would not understand.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorker, sendFile } from '../browser/harness.ts';
import { CHROMIUM_FLAGS, WEBGPU_FLAGS, findChromium } from '../chromium.ts';
import type { Outputs, Task } from './session.ts';

export type BrowserName = 'chromium' | 'firefox';
/** A page on a software GPU may compile for long; a hang is longer. */
const ANSWER_MS_MAX = 180_000;
const PREFS = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
};
const PAGE =
  '<!doctype html><link rel=icon href=data:,>' +
  '<script>new Worker("/worker.js", { type: "module" })</script>';

/** Where a Firefox is, or undefined. */
export const findFirefox = (): string | undefined =>
  [process.env['FIREFOX'], '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(
    (path) => path && existsSync(path),
  );

function start(browser: BrowserName, profile: string, url: string): ChildProcess {
  if (browser === 'chromium') {
    const flags = [...CHROMIUM_FLAGS, ...WEBGPU_FLAGS, `--user-data-dir=${profile}`];
    return spawn(findChromium(), ['--headless', ...flags, url], { stdio: 'ignore' });
  }
  const prefs = Object.entries(PREFS).map(([k, v]) => `user_pref("${k}", ${v});\n`);
  writeFileSync(join(profile, 'user.js'), prefs.join(''));
  const flags = ['--headless', '--no-remote', '--profile', profile, url];
  return spawn(findFirefox()!, flags, { stdio: 'ignore' });
}

interface Answer {
  readonly device?: string;
  readonly outputs?: Outputs[];
  readonly error?: string;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export class GraphBrowser {
  readonly #server: Server;
  readonly #profile = mkdtempSync(join(tmpdir(), 'pila-fuzz-'));
  readonly #process: ChildProcess;
  /** The page asks for a task before there is one, or the other way round: one of each at most. */
  #asking: ServerResponse | undefined;
  #task: string | undefined;
  #answered: ((answer: Answer) => void) | undefined;
  device = '';

  private constructor(name: BrowserName, server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.#process = start(name, this.#profile, `http://127.0.0.1:${port}/`);
    this.#process.once('exit', () => this.#answered?.({ error: 'the browser ended' }));
  }

  /** @throws Error when its page finds no WebGPU */
  static async open(name: BrowserName): Promise<GraphBrowser> {
    const worker = await bundleWorker(join(import.meta.dirname, 'graph.worker.ts'));
    // eslint-disable-next-line prefer-const -- the server is made before the browser that it serves
    let browser: GraphBrowser | undefined;
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      if (path === '/task' || path === '/result') void browser?.serve(path, request, response);
      else if (path === '/worker.js')
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(worker);
      else if (path === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
      else sendFile(response, path);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    browser = new GraphBrowser(name, server);
    const hello = await browser.#answer();
    if (!hello.device) {
      await browser.close();
      throw new Error(hello.error ?? 'no device');
    }
    browser.device = hello.device;
    return browser;
  }

  async serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === '/task') {
      this.#asking = response;
      this.#hand();
      return;
    }
    const answer = JSON.parse(await textOf(request)) as Answer;
    response.end();
    this.#answered?.(answer);
  }

  #hand(): void {
    if (!this.#asking || this.#task === undefined) return;
    this.#asking.writeHead(200, { 'content-type': 'application/json' }).end(this.#task);
    this.#asking = this.#task = undefined;
  }

  #answer(): Promise<Answer> {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve({ error: 'no answer in time' }), ANSWER_MS_MAX);
      this.#answered = (answer) => {
        clearTimeout(late);
        resolve(answer);
      };
    });
  }

  /** @throws Error with what the page said */
  async run(task: Task): Promise<Outputs[]> {
    this.#task = JSON.stringify(task);
    this.#hand();
    const { outputs, error } = await this.#answer();
    if (!outputs) throw new Error(error);
    return outputs;
  }

  async close(): Promise<void> {
    this.#asking?.writeHead(204).end();
    const ended = new Promise((done) => this.#process.once('exit', done));
    if (this.#process.exitCode === null && this.#process.kill()) await ended;
    this.#server.closeAllConnections();
    this.#server.close();
    // A browser's children may write a moment longer.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
