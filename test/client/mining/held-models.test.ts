/** The mined models that a miner has to hold: fetched behind the work, one after another, and never unasked. */
import { expect, test, vi } from 'vitest';
import type { StoredModel } from '../../../src/client/api.ts';
import { HeldModels } from '../../../src/client/mining/held-models.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import type { ErrorCode } from '../../../src/lib/error-codes.ts';
import { AppError } from '../../../src/lib/errors.ts';

const SIZES = { big: 900, small: 20, middle: 300, ended: 5 } as const;
type Name = keyof typeof SIZES;
const NAMES = Object.keys(SIZES) as Name[];
const idOf = (name: Name) => new Uint8Array(32).fill(NAMES.indexOf(name) + 1);

/** `fails`: with what each next try to fetch a model ends; then it comes. */
function setUp(here: Name[] = [], fails: Partial<Record<Name, ErrorCode[]>> = {}) {
  const log: string[] = [];
  const given = new Set<string>();
  const stored = new Set<Name>(here);
  const nameOf = (id: Uint8Array) => NAMES.find((name) => toHex(idOf(name)) === toHex(id))!;
  const statusOf = (name: Name): StoredModel => ({
    name,
    id: idOf(name),
    bytes: SIZES[name],
    stored: stored.has(name) ? SIZES[name] : 0,
    arriving: 0,
    state: stored.has(name) ? 'stored' : 'absent',
    problem: undefined,
    refused: [],
    licence: '',
    attribution: '',
    isServed: false,
    waitMs: undefined,
  });
  const rows = NAMES.map((name) => ({
    id: toHex(idOf(name)),
    from: 0,
    ...(name === 'ended' && { to: 50 }),
  }));
  const held = new HeldModels({
    chain: {
      params: { models: rows },
      headers: { head: () => ({ header: { height: 100 } }) },
    } as never,
    modelService: {
      stored: async () => NAMES.map(statusOf),
      async fetch(id) {
        const name = nameOf(id);
        if (stored.has(name)) return;
        const code = fails[name]?.shift();
        log.push(`fetch ${name}${code ? `: ${code}` : ''}`);
        if (code) throw new AppError(code, 'as the test says');
        stored.add(name);
      },
      stop: (id) => void log.push(`stop ${nameOf(id)}`),
    },
    worker: {
      async give(id) {
        log.push(`give ${nameOf(id)}`);
        given.add(toHex(id));
      },
      hold: (ids) => void log.push(`hold ${ids.map(nameOf).sort().join()}`),
      canReplay: (id) => given.has(toHex(id)),
    },
    againMs: 1,
  });
  let arrived = 0;
  held.onArrival = () => void arrived++;
  return { held, log, arrivals: () => arrived };
}

test('what is missing comes one after another, the smallest first; a model that has ended does not', async () => {
  const { held, log, arrivals } = setUp(['middle']);
  await held.look();
  expect(held.missing).toEqual([
    { name: 'small', bytes: 20 },
    { name: 'big', bytes: 900 },
  ]);
  held.begin('fetch');
  await vi.waitUntil(() => arrivals() === 3);
  expect(log).toEqual([
    'hold big,middle,small',
    ...['fetch small', 'give small', 'give middle', 'fetch big', 'give big'],
  ]);
  expect(held.missing).toEqual([]);
});

test.each<ErrorCode>(['MODEL_MISSING', 'MODEL_CORRUPT', 'MODEL_STORE_FULL'])(
  'after %s it is tried again, and the others do not wait for it',
  async (code) => {
    const { held, log } = setUp(['middle', 'small'], { big: [code, code] });
    await held.look();
    const problems = new Set<ErrorCode | undefined>();
    held.onChange = () => void problems.add(held.problem);
    held.begin('fetch');
    await vi.waitUntil(() => held.missing.length === 0);
    expect([problems.has(code), held.problem]).toEqual([true, undefined]);
    const failed = `fetch big: ${code}`;
    expect(log.slice(1)).toEqual([
      ...['give small', 'give middle', failed, failed, 'fetch big', 'give big'],
    ]);
  },
);

test('nothing is fetched before a person has agreed; what is here serves at once', async () => {
  const { held, log, arrivals } = setUp(['middle']);
  held.begin('ask');
  await vi.waitUntil(() => arrivals() >= 1);
  expect(log).toEqual(['hold big,middle,small', 'give middle']);
  expect([held.consent, held.missing.length]).toEqual(['ask', 2]);
  held.begin('fetch');
  await vi.waitUntil(() => arrivals() === 3);
  expect(log.filter((line) => line.startsWith('fetch'))).toEqual(['fetch small', 'fetch big']);
});

test('a fetch that a person stops is not begun again by itself', async () => {
  const { held, log } = setUp(['middle', 'small'], { big: ['MODEL_STOPPED'] });
  held.begin('fetch');
  await vi.waitUntil(() => held.consent === 'ask');
  await new Promise((r) => setTimeout(r, 20));
  expect(log.filter((line) => line.startsWith('fetch'))).toEqual(['fetch big: MODEL_STOPPED']);
  held.begin('fetch');
  await vi.waitUntil(() => held.missing.length === 0);
});

test('once it has ended nothing more is fetched', async () => {
  const { held, log } = setUp([], { small: Array<ErrorCode>(1000).fill('MODEL_MISSING') });
  held.begin('fetch');
  await vi.waitUntil(() => log.some((line) => line.startsWith('fetch small')));
  held.end();
  const before = log.length;
  await new Promise((r) => setTimeout(r, 30));
  expect(log.slice(before).filter((line) => line.startsWith('fetch'))).toEqual([]);
});
