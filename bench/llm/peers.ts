/**
 * What language models are measured beside: llama.cpp as node-llama-cpp brings it, and wllama in Chromium. Both have a
 * lock file of their own (peers/) and are installed into .cache when they are first asked for; Linux on x64 alone.
 * Their times are those of their threads, ms of processor time.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from '@playwright/test';
import { CHROMIUM } from '../../test/browser/harness.ts';

const source = join(import.meta.dirname, 'peers');
export const installed = join(import.meta.dirname, '../../.cache/bench-llm');
const NAMES = 'package.json';

/** One sequence of one model, on one thread. */
export interface Peer {
  readonly name: string;
  /** Reads a text of n tokens anew. @returns ms */
  prefill(n: number): Promise<number>;
  /** Makes `count` tokens after what it has read, the likeliest each. @returns ms a token */
  decode(count: number): Promise<number>;
  close(): Promise<void>;
}

/** @throws where npm's registry is not reachable */
export function installPeers(): void {
  const [wanted, found] = [source, installed].map((dir) =>
    existsSync(join(dir, NAMES)) ? readFileSync(join(dir, NAMES), 'utf8') : '',
  );
  // npm writes the last file last, so an interrupted installation is not taken for a whole one.
  if (wanted === found && existsSync(join(installed, 'node_modules/.package-lock.json'))) return;
  console.log('Installing node-llama-cpp and wllama into .cache (some 100 MB, once)');
  cpSync(source, installed, { recursive: true });
  // The optional packages are builds for GPUs and other systems, 700 MB.
  const flags = ['--omit=optional', '--ignore-scripts', '--no-save', '--no-fund', '--no-audit'];
  const { status } = spawnSync('npm', ['install', ...flags, '--silent'], {
    cwd: installed,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`peers could not be installed: npm install in ${installed}`);
}

interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  evaluate(tokens: number[], options: object): AsyncIterable<number>;
}
interface LlamaModule {
  readonly LlamaLogLevel: { readonly error: string };
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
    }>;
    dispose(): Promise<void>;
  }>;
}

/** Processor time of this process, ms: its addon computes on a thread of its own, and nothing else runs meanwhile. */
function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export async function openLlamaCpp(gguf: string): Promise<Peer> {
  const entry = join(installed, 'node_modules/node-llama-cpp/dist/index.js');
  const { getLlama, LlamaLogLevel } = (await import(pathToFileURL(entry).href)) as LlamaModule;
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    maxThreads: 1,
    logLevel: LlamaLogLevel.error,
  });
  const model = await llama.loadModel({ modelPath: gguf, gpuLayers: 0 });
  const sizes = { contextSize: 1024, batchSize: 512, threads: 1, sequences: 1 };
  const sequence = (await model.createContext(sizes)).getSequence();
  let round = 0;
  return {
    name: 'llama.cpp Q8_0',
    prefill: async (n) => {
      round++;
      const text = Array.from(
        { length: n },
        (_, i) => 100 + ((i * 7919 + round * 104_729) % 40000),
      );
      await sequence.clearHistory();
      const start = processMs();
      await sequence.evaluateWithoutGeneratingNewTokens(text);
      return processMs() - start;
    },
    decode: async (count) => {
      let [made, start] = [0, 0];
      const options = { temperature: 0, yieldEogToken: true };
      for await (const _ of sequence.evaluate([100], options)) {
        if (!made) start = processMs();
        if (made++ === count) break;
      }
      return (processMs() - start) / count;
    },
    close: () => llama.dispose(),
  };
}

/** Processor ms of each process that descends from one, as Linux counts them: in steps of 10. */
export function treeTimes(root: number): ReadonlyMap<number, number> {
  const all = new Map<number, { parent: number; ms: number }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
      const ms = 10 * (Number(fields[11]) + Number(fields[12]));
      all.set(Number(pid), { parent: Number(fields[1]), ms });
    } catch {
      // It has ended.
    }
  const isBelow = (pid: number): boolean => {
    for (let at = pid, i = 0; at > 1 && i < 20; i++) {
      at = all.get(at)?.parent ?? 0;
      if (at === root) return true;
    }
    return false;
  };
  return new Map([...all].flatMap(([pid, { ms }]) => (isBelow(pid) ? [[pid, ms]] : [])));
}

/** What the processes of the later moment took since the earlier one. */
export function msBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number {
  return [...after].reduce((sum, [pid, ms]) => sum + ms - (before.get(pid) ?? 0), 0);
}

/** An answer in a chat as whoever asks sees it: wall time, ms. */
export interface Answered {
  readonly firstMs: number;
  /** With the first one's. */
  readonly allMs: number;
  readonly tokens: number;
}

export interface ChatPeer extends Peer {
  /** Answers a question by the model's own template, the likeliest token each, whatever ends it. */
  answer(question: string, tokens: number): Promise<Answered>;
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** What runs in the page, of wllama's module. */
interface Wllama {
  loadModel(files: Blob[], options: object): Promise<void>;
  createCompletion(options: object): Promise<unknown>;
  createChatCompletion(
    options: object,
  ): Promise<AsyncIterable<{ choices: { delta: { content?: string | null } }[] }>>;
}

export async function openWllama(gguf: string): Promise<ChatPeer> {
  const files = join(installed, 'node_modules/@wllama/wllama/esm');
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0]!;
    if (path === '/') {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><link rel=icon href=data:,>');
      return;
    }
    const file = path === '/model.gguf' ? gguf : join(files, path);
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-length', statSync(file).size);
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.evaluate(async () => {
    const from = '/index.js';
    const { Wllama } = (await import(from)) as {
      Wllama: new (paths: object, options: object) => Wllama;
    };
    const one = '/wasm/wllama.wasm';
    const wllama = new Wllama({ default: one }, { suppressNativeLog: true });
    const blob = await (await fetch('/model.gguf')).blob();
    await wllama.loadModel([blob], { n_threads: 1, n_ctx: 1024, n_batch: 512, n_gpu_layers: 0 });
    Object.assign(globalThis, { wllama });
  });
  let round = 0;
  /** A text of n common words, each a token, and some tokens after it. */
  const run = async (n: number, count: number): Promise<number> => {
    round++;
    const start = treeTimes(process.pid);
    await page.evaluate(
      async ([n, count, round]) => {
        const words = 'river stone lamp garden winter music paper bridge apple market'.split(' ');
        const at = (j: number): number => (j * 7 + round! * 3 + (j >> 3)) % 10;
        const prompt = Array.from({ length: n! }, (_, j) => words[at(j)]).join(' ');
        const options = { temperature: 0, ignore_eos: true, cache_prompt: false };
        const { wllama } = globalThis as unknown as { wllama: Wllama };
        await wllama.createCompletion({ prompt, max_tokens: count, ...options });
      },
      [n, count, round],
    );
    return msBetween(start, treeTimes(process.pid));
  };
  await run(32, 4);
  let [depth, short] = [0, 0];
  return {
    name: 'wllama Q8_0',
    prefill: async (n) => {
      depth = n;
      return (short = await run(n, 1));
    },
    // It reads the text again: what is over the time of one token alone is that of the others.
    decode: async (count) => ((await run(depth, count + 1)) - short) / count,
    answer: (question, tokens) =>
      page.evaluate(
        async ([content, max_tokens]) => {
          const { wllama } = globalThis as unknown as { wllama: Wllama };
          const options = { temperature: 0, ignore_eos: true, cache_prompt: false, stream: true };
          const messages = [{ role: 'user', content }];
          const start = performance.now();
          let [firstMs, tokens] = [0, 0];
          for await (const { choices } of await wllama.createChatCompletion({
            messages,
            max_tokens,
            ...options,
          })) {
            // The first part names the role alone.
            if (!choices[0]?.delta.content) continue;
            if (!tokens++) firstMs = performance.now() - start;
          }
          return { firstMs, allMs: performance.now() - start, tokens };
        },
        [question, tokens] as const,
      ),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
