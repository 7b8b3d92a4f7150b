/** Embeddings in OpenAI's shape: a real seed with the models that it brings along. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as v from 'valibot';
import { startSeed, type Seed } from '../../../e2e/support/seed.ts';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { readEmbedding } from '../../../src/core/reading.ts';
import { startMinerThread, type MinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { EmbeddingsAnswer } from '../../../src/node/openai/answers.ts';
import { openPackaged } from '../../client/models/packaged.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const KEY = 'a-key-of-this-test-0123456789';
const folder = mkdtempSync(join(tmpdir(), 'pila-embeddings-'));
const network = networkOf('e2e');
const { id, manifest } = modelNamed(network, 'polyglot')!;
/** More than a pass holds, in several scripts. */
const TEXTS = [
  'The file does not exist.',
  'Il file non esiste.',
  'Fichier introuvable',
  'Файл не найден',
  'a',
  'ファイルがありません',
  'Datei nicht gefunden',
  'The window is closed.',
  'La finestra è chiusa.',
];

let seed: Seed;
let thread: MinerThread;
/** float32 of each text, by the model itself, one text a pass. */
let right: Float32Array[];
/** Tokens of all texts. */
let tokens: number;

beforeAll(async () => {
  const packages = await openPackaged(network);
  thread = await startMinerThread(
    (model) => packages.load(model),
    () => {},
  );
  await thread.ensure(id);
  const texts = createTexts(network.models, packages);
  [right, tokens] = [[], 0];
  for (const text of TEXTS) {
    const read = await texts.tokenise(id, [text]);
    tokens += read.tokens[0]!;
    const rows = await thread.miner.execute(id, read.input!);
    const row = Int8Array.from(rows.subarray(0, manifest.answerSize));
    const { values, scale } = readEmbedding(row);
    right.push(Float32Array.from(values, (value) => value * scale));
  }
  writeFileSync(join(folder, 'key'), KEY);
  const args = ['--api-key-file', join(folder, 'key')];
  seed = await startSeed({ data: join(folder, 'data'), args });
});
afterAll(async () => {
  await seed?.kill();
  await thread?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function embed(body: object, headers: Record<string, string> = {}, url = seed.rpcUrl) {
  const response = await fetch(`${url}v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}
const ask = { model: 'polyglot', input: TEXTS };

it('gives each text the vector that it has alone, in its order, of length 1', async () => {
  const { status, json } = await embed(ask);
  expect([status, json]).toMatchObject([
    200,
    {
      object: 'list',
      model: 'polyglot',
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      pila: { cost: '0' },
    },
  ]);
  v.parse(EmbeddingsAnswer, json);
  expect(json.data.map((each: any) => [each.object, each.index])).toEqual(
    TEXTS.map((_, index) => ['embedding', index]),
  );
  for (const [i, { embedding }] of json.data.entries()) {
    expect(Float32Array.from(embedding)).toEqual(right[i]);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
  }
});

it('writes base64 of little-endian float32, of the very same numbers', async () => {
  const { json } = await embed({ ...ask, encoding_format: 'base64' });
  for (const [i, { embedding }] of json.data.entries()) {
    const bytes = Uint8Array.from(Buffer.from(embedding, 'base64'));
    const view = new DataView(bytes.buffer);
    const values = Array.from({ length: bytes.length / 4 }, (_, at) =>
      view.getFloat32(4 * at, true),
    );
    expect(Float32Array.from(values)).toEqual(right[i]);
  }
});

it('takes one text, the size that it has anyway, and fields that are null', async () => {
  const more = { input: TEXTS[0], dimensions: manifest.answerSize, user: 'me' };
  const { status, json } = await embed({ ...ask, ...more, encoding_format: null });
  expect([status, json.data.length]).toEqual([200, 1]);
  expect(Float32Array.from(json.data[0].embedding)).toEqual(right[0]);
});

it.each([
  [400, 'INPUT_TOKENS', 'input', { input: [1, 2, 3] }],
  [400, 'INPUT_TOKENS', 'input', { input: [[1, 2], [3]] }],
  [400, 'DIMENSIONS_FIXED', 'dimensions', { dimensions: 64 }],
  [400, 'BODY_MALFORMED', 'encoding_format', { encoding_format: 'int8' }],
  [400, 'BODY_MALFORMED', 'input', { input: [] }],
  [400, 'BODY_MALFORMED', 'input', { input: undefined }],
  [400, 'BODY_MALFORMED', 'input', { input: { a: 1 } }],
  [400, 'BODY_MALFORMED', 'input.1', { input: ['a', null] }],
  [400, 'BODY_MALFORMED', 'input', { input: Array<string>(2049).fill('a') }],
  [400, 'BODY_MALFORMED', 'more', { more: 1 }],
  [400, 'BODY_MALFORMED', 'model', { model: 7 }],
  [400, 'BODY_MALFORMED', 'model', { model: 'polyglot@nowhere' }],
  [400, 'INPUT_EMPTY', 'input.1', { input: ['a', ''] }],
  [400, 'INPUT_LONG', 'input.2', { input: ['a', 'b', 'file '.repeat(70)] }],
  [400, 'MODEL_KIND', 'model', { model: 'lingua' }],
  [404, 'MODEL_MISSING', 'model', { model: 'none' }],
  [503, 'MODEL_UNOFFERED', null, { model: 'polyglot@network' }],
] as [number, string, string | null, object][])(
  'refuses by %i %s in OpenAI’s form, with the field: %s',
  async (status, code, param, change) => {
    const refused = await embed({ ...ask, ...change });
    const type = status < 500 ? 'invalid_request_error' : 'server_error';
    expect([refused.status, refused.json]).toEqual([
      status,
      { error: { code, message: expect.any(String), type, param } },
    ]);
  },
);

it('names the switch of the client that sends token ids', async () => {
  const { json } = await embed({ ...ask, input: [[9, 9]] });
  expect(json.error.message).toContain('check_embedding_ctx_length=False');
});

it('takes the place from a header too, and not two of them', async () => {
  const network = await embed(ask, { 'pila-answer': 'network' });
  expect(network.json.error.code).toBe('MODEL_UNOFFERED');
  expect((await embed(ask, { 'pila-answer': 'device' })).status).toBe(200);
  const both = await embed({ ...ask, model: 'polyglot@device' }, { 'pila-answer': 'network' });
  expect(both.json.error).toMatchObject({ code: 'BODY_MALFORMED', param: 'model' });
});

it('is for holders of a key on the page’s listener', async () => {
  const none = await embed(ask, {}, seed.url);
  expect([none.status, none.json.error]).toMatchObject([
    401,
    { code: 'API_KEY_WRONG', type: 'authentication_error' },
  ]);
  expect((await embed(ask, { authorization: `Bearer ${KEY}` }, seed.url)).status).toBe(200);
});
