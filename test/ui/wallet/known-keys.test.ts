import { beforeEach, expect, test } from 'vitest';
import type { PageConfig } from '../../../src/ui/engine.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import { FULL_VAULT, MemoryEngine, OTHER_ADDRESS, PASSPHRASE } from '../memory-engine.ts';
import type { VaultStatus } from '../../../src/wallet/vault/vault-api.ts';

const CONFIG: PageConfig = {
  network: 'local',
  prefix: 'rpila',
  bootstrap: [],
  genesis: undefined,
};
const otherKey = new Uint8Array(32).fill(5);
const LOCKED: VaultStatus = { ...FULL_VAULT, protected: true, locked: true, verified: false };
/** As this device's MAC vouches for it: somebody put another vault in its place, with a MAC of its own. */
const EXCHANGED: VaultStatus = {
  ...LOCKED,
  address: OTHER_ADDRESS,
  publicKey: otherKey,
  accounts: [{ index: 0, name: '', address: OTHER_ADDRESS, publicKey: otherKey }],
};

let kept: Map<string, string>;
const memory = {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => void kept.set(key, value),
  removeItem: (key: string) => void kept.delete(key),
};
/** A load of the page. */
async function load(status: VaultStatus): Promise<{ engine: MemoryEngine; session: Session }> {
  const engine = new MemoryEngine();
  engine.vaultStatus = status;
  const session = new Session(engine, async () => CONFIG, memory);
  await session.open();
  return { engine, session };
}
const tampered = { problem: 'VAULT_TAMPERED', address: undefined, accounts: [] };

beforeEach(async () => {
  kept = new Map();
  const { session } = await load(FULL_VAULT);
  await session.change('lock', (keys) => keys.lock());
});

test('a locked vault that tells other keys than were seen is not believed, nor mined for', async () => {
  expect((await load(LOCKED)).session.vault).toMatchObject({ address: FULL_VAULT.address });
  const { engine, session } = await load(EXCHANGED);
  expect(session.vault).toMatchObject(tampered);
  await session.start(true);
  expect(session.problem).toMatchObject({ code: 'VAULT_TAMPERED' });
  expect(engine.calls).not.toContain('client.payTo');
  expect(engine.calls).not.toContain('client.startMining');
  // What it says later is no better, until it is opened.
  engine.emitVault(EXCHANGED);
  await expect.poll(() => session.vault).toMatchObject(tampered);
  engine.vaultStatus = { ...EXCHANGED, verified: true };
  await session.change('unlock', (keys) => keys.unlock(PASSPHRASE));
  expect(session.vault).toMatchObject({ address: OTHER_ADDRESS, problem: undefined });
  expect((await load(EXCHANGED)).session.vault).toMatchObject({ address: OTHER_ADDRESS });
});

test('after erasing nothing is remembered, and other keys are not strange', async () => {
  const { session } = await load(FULL_VAULT);
  await session.erase();
  expect([...kept.keys()]).toEqual([]);
  expect((await load(EXCHANGED)).session.vault).toMatchObject({ address: OTHER_ADDRESS });
});

test('work stops when what is stored was changed, and none begins without an address', async () => {
  const { engine, session } = await load(FULL_VAULT);
  await session.start(true);
  expect(engine.miner.state).toBe('running');
  const none = { address: undefined, publicKey: undefined, accounts: [], verified: false };
  engine.emitVault({ ...FULL_VAULT, ...none, locked: true, problem: 'VAULT_TAMPERED' });
  await expect.poll(() => engine.miner.state).toBe('paused');
  expect(session.vault).toMatchObject(tampered);

  const later = await load({ ...LOCKED, ...none });
  await later.session.start(true);
  expect(later.session.problem).toMatchObject({ code: 'VAULT_LOCKED' });
  expect(later.engine.calls).not.toContain('client.startMining');
});
