/**
 * `npm run -s openai`: the clients that everybody has, against a real node with the real small models, or a generated
 * one where `npm run model:fetch -- smollm2` brought none, and schemathesis with what `/openapi.json` says (of the
 * generated one: it asks hundreds of times). They are installed into .cache by lock files of their own. Ends with `passed N failed 0`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSeed } from '../../e2e/support/seed.ts';
import { writeChatty } from '../models/chatty.ts';

const KEY = 'a-key-of-this-test-0123456789';
/** Calls of each kind that are made of the description, at most. */
const EXAMPLES = 100;
const ENCODER = 'minilm';
const own = import.meta.dirname;
const cache = join(own, '../../.cache/openai');
const python = join(cache, 'venv/bin/python');
const scratch = mkdtempSync(join(tmpdir(), 'pila-openai-'));

function must(command: string, args: readonly string[], cwd = cache): void {
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/** Once: a folder that was made to its end is left as it is. */
function install(): void {
  mkdirSync(cache, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', 'client.mjs'])
    cpSync(join(own, file), join(cache, file));
  if (!existsSync(join(cache, 'node_modules/openai'))) must('npm', ['ci', '--ignore-scripts']);
  if (existsSync(join(cache, 'venv/installed'))) return;
  must('python3', ['-m', 'venv', 'venv']);
  const locked = ['--require-hashes', '--no-deps', '-r', join(own, 'requirements.txt')];
  must(python, ['-m', 'pip', 'install', '--quiet', ...locked]);
  writeFileSync(join(cache, 'venv/installed'), '');
}

/** Lines that a client prints: `passed NAME`, or `failed NAME why`. */
function lines(command: string, args: readonly string[]): Promise<string[]> {
  const child = spawn(command, args, { cwd: cache, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  return new Promise((resolve) => {
    const end = (how: string): void => {
      const told = text.split('\n').filter((line) => /^(passed|failed) /.test(line));
      resolve(told.length ? told : [`failed ${command} ${how}`]);
    };
    child.on('error', (e) => end(e.message));
    child.on('close', (code) => end(`ended with ${code}`));
  });
}

async function curl(url: string, model: string): Promise<string[]> {
  const messages = [{ role: 'user', content: 'What is a pile?' }];
  const body = JSON.stringify({ model, messages, max_tokens: 4, stream: true });
  const headers = ['-H', 'content-type: application/json', '-H', `authorization: Bearer ${KEY}`];
  const args = ['-sN', `${url}/chat/completions`, ...headers, '-d', body];
  const { stdout } = spawnSync('curl', args, { encoding: 'utf8' });
  return [`${stdout.endsWith('data: [DONE]\n\n') ? 'passed' : 'failed'} curl: a stream`];
}

/** What `/openapi.json` says is what the node does: calls made of it, right and wrong ones. */
function described(page: string): string[] {
  const options = ['--max-examples', `${EXAMPLES}`, '--generation-database', 'none', '--no-color'];
  const { status, stdout } = spawnSync(
    join(cache, 'venv/bin/schemathesis'),
    ['--config-file', join(own, 'schemathesis.toml'), 'run', `${page}openapi.json`, ...options],
    {
      cwd: scratch,
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: own, SCHEMATHESIS_HOOKS: 'described', PILA_KEY: KEY },
    },
  );
  if (status !== 0) console.log(stdout);
  const made = /^ *(\d+) generated.*$/m.exec(stdout)?.[0].trim() ?? 'no calls';
  return [`${status === 0 ? 'passed' : 'failed'} schemathesis: ${made}`];
}

install();
const real = join(own, '../../.cache/models/smollm2');
const isReal = existsSync(join(real, 'manifest.json'));
const chatty = join(scratch, 'chatty');
writeChatty(chatty);
writeFileSync(join(scratch, 'key'), KEY);
const args = ['--api-key-file', join(scratch, 'key'), '--package', chatty];
if (isReal) args.push('--package', real);
const seed = await startSeed({ network: 'local', data: join(scratch, 'data'), args });
const model = isReal ? 'smollm2' : 'chatty';
const url = `${seed.url}v1`;
const told: string[] = [];
try {
  console.log(`a node with ${model} and ${ENCODER}`);
  told.push(...(await lines(python, [join(own, 'client.py'), url, KEY, model, ENCODER])));
  told.push(...(await lines(process.execPath, ['client.mjs', url, KEY, model, ENCODER])));
  told.push(...(await curl(url, model)));
  told.push(...described(seed.url));
} finally {
  await seed.stop();
  rmSync(scratch, { recursive: true, force: true });
}
console.log(told.join('\n'));
const failed = told.filter((line) => line.startsWith('failed')).length;
console.log(`passed ${told.length - failed} failed ${failed}`);
process.exit(failed ? 1 : 0);
