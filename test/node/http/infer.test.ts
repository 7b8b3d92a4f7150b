/** Asking over HTTP: a real seed, which answers by the models that are whole on it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as v from 'valibot';
import { startSeed, type Seed } from '../../../e2e/support/seed.ts';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { InferAnswer, ModelList } from '../../../src/node/openai/answers.ts';
import { openPackaged } from '../../client/models/packaged.ts';
import { startMinerThread, type MinerThread } from '../../../src/node/contributor/miner-thread.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const KEY = 'a-key-of-this-test-0123456789';
const folder = mkdtempSync(join(tmpdir(), 'pila-infer-'));
const network = networkOf('e2e');
const tiny = modelNamed(network, 'tiny')!;

let seed: Seed;
let thread: MinerThread;

const rpcUrl = (): string => seed.rpcUrl;

async function call(url: string, body?: object | string, headers: Record<string, string> = {}) {
  const init = { headers: { 'content-type': 'application/json', ...headers } };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, body ? { ...init, method: 'POST', body: text } : init);
  return {
    status: response.status,
    headers: response.headers,
    json: await response.json(),
  };
}
/** On the operator's listener, where no key is needed. */
const infer = (body: object | string, headers?: Record<string, string>) =>
  call(`${rpcUrl()}v1/infer`, body, headers);
const ask = { model: 'tiny', input: 'ciao' };

beforeAll(async () => {
  const packages = await openPackaged(network);
  thread = await startMinerThread(
    (id) => packages.load(id),
    () => {},
  );
  await thread.ensure(tiny.id);
  writeFileSync(join(folder, 'key'), KEY);
  const args = ['--mine', '--api-key-file', join(folder, 'key')];
  seed = await startSeed({ data: join(folder, 'data'), args });
});
afterAll(async () => {
  await seed?.kill();
  await thread?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('POST /v1/infer', () => {
  it('answers by a model that is whole on this node, free', async () => {
    const ran = await thread.miner.execute(tiny.id, utf8(ask.input));
    const { status, json } = await infer(ask);
    expect([status, json]).toMatchObject([
      200,
      {
        state: 'answered',
        model: 'tiny',
        modelId: toHex(tiny.id),
        inputHex: toHex(utf8(ask.input)),
        cost: '0',
        answers: [{ answerHex: toHex(ran.slice(0, tiny.manifest.answerSize)) }],
        paid: null,
      },
    ]);
    expect(json.answers[0].labels).toHaveLength(1);
    v.parse(InferAnswer, json);
  });

  it('reads texts for a model of words before anybody is asked', async () => {
    const words = { model: 'polyglot', input: ['the file does not exist.', 'il file non esiste.'] };
    const read = await infer(words, { 'pila-answer': 'network' });
    expect([read.status, read.json.error.code]).toEqual([503, 'MODEL_UNOFFERED']);
    const long = await infer({ ...words, input: 'file '.repeat(70) });
    expect([long.status, long.json.error.code]).toEqual([400, 'INPUT_LONG']);
    expect(long.json.error.message).toContain('72 tokens');
    const three = await infer({ ...ask, input: ['a', 'b', 'c'] });
    expect(three.json.error.code).toBe('INPUT_LONG');
  });

  it('spends on the page’s listener for the holder of the key only', async () => {
    const page = `${seed.url}v1/infer`;
    for (const authorization of ['', 'Bearer 0123456789abcdef']) {
      const refused = await call(page, ask, { authorization });
      expect([refused.status, refused.json.error.code]).toEqual([401, 'API_KEY_WRONG']);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    }
    const allowed = await call(page, ask, { authorization: `Bearer ${KEY}` });
    expect(allowed.status).toBe(200);
  });
});

describe('refusals', () => {
  it.each([
    [404, 'MODEL_MISSING', { ...ask, model: 'none' }, {}],
    [400, 'INPUT_LONG', { ...ask, input: 'x'.repeat(33) }, {}],
    [400, 'BODY_MALFORMED', '{', {}],
    [413, 'BODY_TOO_LARGE', { ...ask, input: 'x'.repeat(66_000) }, {}],
    [415, 'TYPE_REFUSED', ask, { 'content-type': 'text/plain' }],
    [403, 'ORIGIN_REFUSED', ask, { origin: 'https://evil.example' }],
    [400, 'IDEMPOTENCY_MALFORMED', ask, { 'idempotency-key': 'x'.repeat(256) }],
  ] as [number, string, object | string, Record<string, string>][])(
    '%i %s',
    async (status, code, body, headers) => {
      await new Promise((r) => setTimeout(r, 1100));
      const { json, ...refused } = await infer(body, headers);
      expect([refused.status, json.error.code]).toEqual([status, code]);
    },
  );

  it('a caller that asks too often is told to wait', async () => {
    for (;;) {
      const { status, headers, json } = await infer('{');
      if (status === 400) continue;
      expect([status, json.error.code]).toEqual([429, 'RATE_LIMIT']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      return;
    }
  });
});

describe('questions', () => {
  it('tell models and prices to anybody', async () => {
    const { json } = await call(`${seed.url}v1/models`);
    v.parse(ModelList, json);
    // Served ones that lie on this computer come after.
    const admitted = json.data.slice(0, network.names.length);
    expect(admitted.map((m: any) => m.id)).toEqual(network.names);
    const priceMax = expect.stringMatching(/^[1-9]\d*$/);
    const common = { object: 'model', owned_by: 'pila', isHere: true, price: null, priceMax };
    const [mined, other] = json.data;
    const known = { id: 'tiny', modelId: toHex(tiny.id), gives: 'labels', inputBytesMax: 32 };
    expect(mined).toMatchObject({ ...common, ...known });
    expect(other).toMatchObject({ ...common, id: 'lingua' });
    const one = await call(`${seed.url}v1/models/lingua`);
    // A block may have come between.
    expect({ ...one.json, priceMax }).toEqual({ ...other, priceMax });
    const placed = await call(`${seed.url}v1/models/lingua%40device`);
    expect(placed.json).toEqual({ ...other, id: 'lingua@device', priceMax });
    const nowhere = await call(`${seed.url}v1/models/lingua@nowhere`);
    expect([nowhere.status, nowhere.json.error.code]).toEqual([400, 'BODY_MALFORMED']);
    const none = await call(`${seed.url}v1/models/none`);
    expect([none.status, none.json.error]).toMatchObject([
      404,
      { code: 'MODEL_MISSING', param: 'model' },
    ]);
  });
});
