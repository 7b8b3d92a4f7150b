/** Serving from the page: who is served, and what gets signed without a person. */
import { expect, test } from 'vitest';
import { decode } from '../../src/core/codec.ts';
import { SignedTx } from '../../src/core/formats.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { WORK_FEE_MAX } from '../../src/ui/work/serving.ts';
import { buildClaim, buildRequest, buildResult, buildTransfer } from '../../src/wallet/build.ts';
import { FULL_VAULT, MemoryEngine, PASSPHRASE } from './memory-engine.ts';

const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
const from = FULL_VAULT.publicKey!;
const base = { chainId: 3, from, nonce: 3, expiry: 99, fee: 1_000n };
const id = new Uint8Array(32).fill(4);

async function owner(vault: Partial<typeof FULL_VAULT> = {}) {
  const engine = new MemoryEngine();
  engine.vaultStatus = { ...FULL_VAULT, ...vault };
  const session = new Session(engine, async () => config);
  await session.open();
  const served = () => engine.calls.filter((call) => call === 'client.serve').length;
  const sent = () => engine.waiting.map(({ bytes }) => decode(SignedTx, bytes).tx.type).reverse();
  return { engine, session, served, sent };
}

test('claims and results are signed and sent in order, nothing else is', async () => {
  const { engine, sent } = await owner();
  const claim = { request: id, commitment: id };
  const all = [
    buildTransfer(base, { to: id, amount: 1n }),
    buildRequest(base, { modelId: id, reward: 1n, lifetime: 30, input: id }),
    buildClaim({ ...base, fee: WORK_FEE_MAX + 1n }, claim),
    new Uint8Array(9),
    buildClaim({ ...base, fee: WORK_FEE_MAX }, claim),
    buildResult({ ...base, nonce: 4 }, { request: id, answer: id }),
  ];
  for (const tx of all) engine.emit({ type: 'unsigned', tx });
  await expect.poll(sent).toEqual(['claim', 'result']);
  expect(engine.calls.filter((call) => call === 'vault.sign')).toHaveLength(2);
});

test('the miner serves while the keys are unlocked, and is told once', async () => {
  const { engine, session, served } = await owner({ protected: true, locked: true });
  expect(served()).toBe(0);
  await session.change('unlock', (keys) => keys.unlock(PASSPHRASE));
  expect(engine.served).toEqual(from);
  await session.start(true);
  expect(served()).toBe(1);
  engine.emitVault({ ...engine.vaultStatus, locked: true });
  await expect.poll(() => engine.served).toBeUndefined();
  expect(served()).toBe(2);
});

test('a vault that locked itself meanwhile ends the serving', async () => {
  const { engine, sent } = await owner();
  expect(engine.served).toEqual(from);
  engine.fails['vault.sign'] = 'VAULT_LOCKED';
  engine.emit({ type: 'unsigned', tx: buildClaim(base, { request: id, commitment: id }) });
  await expect.poll(() => engine.served).toBeUndefined();
  expect(sent()).toEqual([]);
});

test('a claim that came too late is dropped, and work goes on', async () => {
  const { engine, session, sent } = await owner();
  engine.fails['client.submit'] = 'TX_REFUSED';
  engine.emit({ type: 'unsigned', tx: buildClaim(base, { request: id, commitment: id }) });
  await expect.poll(() => engine.calls.includes('client.submit')).toBe(true);
  engine.fails = {};
  engine.emit({ type: 'unsigned', tx: buildResult(base, { request: id, answer: id }) });
  await expect.poll(sent).toEqual(['result']);
  expect(session.problem).toBeUndefined();
});
