/**
 * The examples do what they say, against real seeds that mine, answer for pay, and give models. PILA_EXAMPLES: a folder of
 * them below a program in which the package is installed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerOf } from '../e2e/support/language.ts';
import { removeData, startSeed, type Seed } from '../e2e/support/seed.ts';
import { formatAddress } from '../src/core/address.ts';
import { plainKey } from '../src/wallet/plain-key.ts';
import { writeChatty } from './models/chatty.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const FOLDER = process.env.PILA_EXAMPLES ?? 'examples';
const KEY = '11'.repeat(32);
const own = formatAddress(plainKey(KEY).address, 'rpila');
const other = formatAddress(new Uint8Array(32).fill(9), 'rpila');
const chatty = mkdtempSync(join(tmpdir(), 'pila-chatty-'));
let seed: Seed;

/** Lines that an example prints. */
async function run(name: string, args: readonly string[], input = ''): Promise<string[]> {
  const env = { ...process.env, PILA_KEY: KEY, PILA_DATA: join(seed.data, 'examples') };
  const child = spawn(process.execPath, [join(FOLDER, `${name}.ts`), ...args], { env });
  const [output, errors]: string[][] = [[], []];
  child.stdout.on('data', (text) => output!.push(String(text)));
  child.stderr.on('data', (text) => errors!.push(String(text)));
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(`${code} ${code ? errors!.join('') : ''}`).toBe('0 ');
  return output!.join('').trim().split('\n');
}

const balanceOf = async (address: string): Promise<bigint> =>
  BigInt((await seed.rpc('getAccount', address)).balance);

beforeAll(async () => {
  writeChatty(chatty);
  seed = await startSeed({ args: ['--mine', '--answer-price', '0.0001', '--package', chatty] });
  const gift = await fetch(`${seed.url}faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: own }),
  });
  expect(gift.status).toBe(200);
  await vi.waitUntil(async () => (await balanceOf(own)) > 0n, { timeout: 60_000, interval: 100 });
});
afterAll(async () => {
  await seed?.kill();
  removeData(seed);
  rmSync(chatty, { recursive: true });
});

it('are at most forty lines each', () => {
  const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(ts|html)$/.test(name),
  );
  const long = files.filter(
    (name) => readFileSync(`examples/${name}`, 'utf8').split('\n').length > 41,
  );
  expect(long).toEqual([]);
});

it('balance', async () => {
  expect(await run('balance', [seed.url, own])).toEqual([
    expect.stringMatching(/^100000000000 nV, proven at block \d+$/),
  ]);
});

it('label', async () => {
  expect(
    await run('label', [seed.url, 'lingua', 'Ciao a tutti, come state?', 'How do you do?']),
  ).toEqual(['Ciao a tutti, come state?: it', 'How do you do?: en']);
});

it('send', async () => {
  const [sent, line] = await run('send', [seed.url, other, '1.5']);
  expect(sent).toMatch(/^sent [0-9a-f]{64}$/);
  expect(line).toMatch(/^confirmed in block \d+$/);
  expect(await balanceOf(other)).toBe(1_500_000_000n);
});

it('chat-paid of a label, then receipt', async () => {
  const before = await balanceOf(own);
  const [said, shared, closed] = await run('chat-paid', [seed.url, 'tiny', 'ciao']);
  expect(said).toMatch(/^\S.*, for 100000 nV$/);
  expect(closed).toBe('closed: the rest is back');
  // Besides the answer its opening's fee was paid; the close is paid by who answered.
  const paid = before - (await balanceOf(own)) - 100_000n;
  expect(paid).toBeGreaterThan(0n);
  expect(paid).toBeLessThan(100_000n);

  const [, hex] = /^shared ([0-9a-f]+)$/.exec(shared!)!;
  const [signed, verdict] = await run('receipt', [seed.url, hex!]);
  expect(signed).toMatch(/^signed by [0-9a-f]{64}$/);
  expect(verdict).toBe('the answer is the model’s');
});

it('serve', async () => {
  expect(await run('serve', [seed.url, '1'])).toContain(`found 1 blocks for ${own}`);
});

describe('with a language model', () => {
  it('chat', async () => {
    const question = 'Why does a battery run down?';
    const lines = await run('chat', [seed.url, 'chatty', question]);
    const told = await answerOf(chatty, [{ role: 'user', content: question }], {
      maxTokens: 100,
      seed: 'an example',
    });
    expect(lines.join('\n')).toBe(`${told.text}\n${told.tokens} tokens, ended by length`.trim());
  });

  it('bot', async () => {
    const lines = await run('bot', [seed.url, 'chatty'], 'Hello?\n\nWho are you?\n');
    expect(lines.filter((line) => /^> /.test(line))).toEqual(['> Hello?', '> ', '> Who are you?']);
    expect(lines).toContain('(INPUT_EMPTY)');
  });
});

describe('with what texts mean', () => {
  let texts: string;
  let local: Seed;
  beforeAll(async () => {
    local = await startSeed({ network: 'local' });
    texts = join(local.data, 'notes.txt');
    writeFileSync(texts, 'The bakery opens at six.\nSara mends bicycles.\nThe lake froze over.\n');
  });
  afterAll(async () => {
    await local?.kill();
    removeData(local);
  });

  it('search', async () => {
    const [first, ...others] = await run('search', [local.url, 'Who repairs bikes?', texts]);
    expect(first).toMatch(/^0\.\d\d Sara mends bicycles\.$/);
    expect(others).toHaveLength(2);
  });

  it('classify', async () => {
    expect(await run('classify', [local.url, 'Where is my parcel?', 'You are great!'])).toEqual([
      expect.stringMatching(/^delivery \(0\.\d\d\): Where is my parcel\?$/),
      expect.stringMatching(/^praise \(0\.\d\d\): You are great!$/),
    ]);
  });
});
