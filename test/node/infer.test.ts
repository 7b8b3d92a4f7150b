/** Asking over HTTP: a real seed that mines, and answers what it is asked. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startSeed, type Seed } from '../../e2e/support/seed.ts';
import { modelNamed, networkOf } from '../../src/client/models/networks.ts';
import { sequenceBytes } from '../../src/core/manifest.ts';
import { NANOVOLTS } from '../../src/core/params.ts';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import { createMemoryParts } from '../../src/miner/package/part-store.ts';
import { openPackageStore } from '../../src/client/models/package-store.ts';
import { startMinerThread, type MinerThread } from '../../src/node/contributor/miner-thread.ts';
import { createPackagedParts } from '../../src/node/packaged-parts.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const KEY = 'a-key-of-this-test-0123456789';
const LIMIT = 5n * NANOVOLTS;
const FEE = 10_000n;
const folder = mkdtempSync(join(tmpdir(), 'pila-infer-'));
const network = networkOf('e2e');
const tiny = modelNamed(network, 'tiny')!;

let seed: Seed;
let thread: MinerThread;

const start = async () => {
  writeFileSync(join(folder, 'key'), KEY);
  const asking = ['--api-key-file', join(folder, 'key'), '--spend-max', '5'];
  seed = await startSeed({ data: join(folder, 'data'), args: ['--mine', ...asking] });
};
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
const ask = { model: 'tiny', input: 'ciao', reward: '1000', wait: 'none' };

beforeAll(async () => {
  const { models } = network;
  const store = await createPackagedParts(models, createMemoryParts());
  const packages = await openPackageStore({
    models,
    store,
    sources: () => [],
    onChange: () => undefined,
  });
  thread = await startMinerThread(
    (id) => packages.load(id),
    () => {},
  );
  await thread.ensure(tiny.id);
  await start();
});
afterAll(async () => {
  await seed?.kill();
  await thread?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('POST /v1/infer', () => {
  it('tells who must be given coins while there are none', async () => {
    // Before the first coinbase has matured.
    const poor = await infer(ask);
    if (poor.status !== 202) {
      expect([poor.status, poor.json.error.code]).toEqual([402, 'FUNDS_SHORT']);
      expect(poor.json.error.message).toContain('rpila1');
    }
    while ((await infer(ask)).json.error?.code === 'FUNDS_SHORT')
      await new Promise((r) => setTimeout(r, 1100));
  });

  it('asks once per key, across a restart, and tells answer, confirmation and payment', async () => {
    const once = { 'idempotency-key': 'one' };
    const { minimum } = (await call(`${rpcUrl()}v1/quote?model=tiny`)).json;
    const fair = { ...ask, reward: minimum };
    const first = await infer(fair, once);
    expect([first.status, first.json.state]).toEqual([202, expect.stringMatching(/waiting|open/)]);
    const { id } = first.json;
    expect((await infer(fair, once)).json.id).toBe(id);
    const other = await infer({ ...fair, input: 'hello' }, once);
    expect([other.status, other.json.error.code]).toEqual([409, 'IDEMPOTENCY_REUSED']);

    expect(await seed.stop()).toBe(0);
    await start();
    const waits = { ...fair, timeoutMs: 100_000 };
    const [answered, confirmed, paid] = await Promise.all(
      ['answer', 'confirmed', 'paid'].map((wait) => infer({ ...waits, wait }, once)),
    );
    const ran = await thread.miner.execute(tiny.id, utf8(ask.input));
    const answer = { answerHex: toHex(ran.answer), labels: [expect.any(String)] };
    for (const { status, json } of [answered!, confirmed!, paid!]) {
      expect([status, json.id]).toEqual([200, id]);
      expect(json.answers[0]).toMatchObject(answer);
    }
    expect(confirmed!.json.answers[0].confirmed).toBe(true);
    const { payee } = confirmed!.json.answers[0];
    const amount = String((BigInt(minimum) * 80n) / 100n);
    expect(paid!.json).toMatchObject({ state: 'paid', paid: { payee, amount } });
    // Anybody may read it, also on the page's listener.
    expect((await call(`${seed.url}v1/receipt/${id}`)).json).toEqual(paid!.json);
  });

  it('takes texts for a model of words, and reads them back', async () => {
    const texts = ['the file does not exist.', 'il file non esiste.'];
    const words = { ...ask, model: 'polyglot', input: texts };
    const { status, json } = await infer(words);
    expect([status, json.texts]).toEqual([202, texts]);
    const ids = networkOf('e2e').models.get(json.modelId)!;
    expect(json.inputHex).toHaveLength(2 * texts.length * sequenceBytes(ids));
    const long = await infer({ ...words, input: 'file '.repeat(70) });
    expect([long.status, long.json.error.code]).toEqual([400, 'INPUT_LONG']);
    expect(long.json.error.message).toContain('72 tokens');
    const two = await infer({ ...ask, input: ['a', 'b'] });
    expect(two.json.error.code).toBe('INPUT_LONG');
  });

  it('spends up to the day’s limit and not one nV more', async () => {
    const spent = async (): Promise<bigint> => {
      const metrics = await (await fetch(`${rpcUrl()}metrics`)).text();
      return BigInt(Math.round(1e9 * Number(/^pila_infer_spent_vlt (\S+)$/m.exec(metrics)![1])));
    };
    const left = LIMIT - (await spent()) - FEE;
    const over = await infer({ ...ask, reward: String(left + 1n) });
    expect([over.status, over.json.error.code]).toEqual([403, 'SPEND_LIMIT']);
    expect((await infer({ ...ask, reward: String(left) })).status).toBe(202);
    expect(await spent()).toBe(LIMIT);
    expect((await infer({ ...ask, reward: '0' })).json.error.code).toBe('SPEND_LIMIT');
  });

  it('spends on the page’s listener for the holder of the key only', async () => {
    const page = `${seed.url}v1/infer`;
    for (const authorization of ['', 'Bearer 0123456789abcdef']) {
      const refused = await call(page, ask, { authorization });
      expect([refused.status, refused.json.error.code]).toEqual([401, 'API_KEY_WRONG']);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    }
    // Past the guard: the limit of the test before is reached.
    const allowed = await call(page, ask, { authorization: `Bearer ${KEY}` });
    expect(allowed.json.error.code).toBe('SPEND_LIMIT');
  });
});

describe('refusals', () => {
  it.each([
    [404, 'MODEL_MISSING', { ...ask, model: 'none' }, {}],
    [400, 'INPUT_LONG', { ...ask, input: 'x'.repeat(17) }, {}],
    [400, 'BODY_MALFORMED', '{', {}],
    [413, 'BODY_TOO_LARGE', { ...ask, input: 'x'.repeat(17_000) }, {}],
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
    expect(json.models.map((m: any) => m.name)).toEqual(network.names);
    expect(json.models[0]).toMatchObject({ id: toHex(tiny.id), inputBytesMax: 16 });
    const quote = (await call(`${seed.url}v1/quote?model=tiny`)).json;
    expect(BigInt(quote.minimum)).toBeGreaterThan(0n);
    expect((await call(`${seed.url}v1/quote?model=x`)).json.error.code).toBe('MODEL_MISSING');
    for (const id of ['00'.repeat(32), 'zz', ''])
      expect((await call(`${seed.url}v1/receipt/${id}`)).status).toBe(404);
  });
});
