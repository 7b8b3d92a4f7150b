/** How long secrets stand on the screen, and what drops them at once. */
import { describe, expect, it } from 'vitest';
import { COVER_MS, FORGET_MS, secrecyAt, type SecretKind } from '../../../src/ui/kit/secrecy.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import { FULL_VAULT, MemoryEngine } from '../memory-engine.ts';

const MINUTE = 60_000;

describe('a secret on the screen', () => {
  const since = 5 * MINUTE;
  const at = (kind: SecretKind, touchedMs: number, nowMs: number) =>
    secrecyAt(kind, { sinceMs: since, touchedMs }, nowMs);

  it('is covered after two minutes without a touch, where it is shown', () => {
    expect(COVER_MS).toBe(2 * MINUTE);
    expect(at('shown', since, since + 2 * MINUTE - 1)).toBe('open');
    expect(at('shown', since, since + 2 * MINUTE)).toBe('covered');
    expect(at('shown', since + MINUTE, since + 3 * MINUTE - 1)).toBe('open');
    expect(at('typed', since, since + 9 * MINUTE)).toBe('open');
  });

  it('is dropped ten minutes after it was shown, touched or not, and as long after the last key', () => {
    expect(FORGET_MS).toBe(10 * MINUTE);
    const end = since + 10 * MINUTE;
    expect(at('shown', end - 1, end - 1)).toBe('open');
    expect(at('shown', end - 1, end)).toBe('forgotten');
    expect(at('typed', since + MINUTE, end)).toBe('open');
    expect(at('typed', since + MINUTE, end + MINUTE)).toBe('forgotten');
  });

  it('is not kept by a clock that is set back', () => {
    expect(at('shown', since, since - 2 * MINUTE)).toBe('covered');
    expect(at('shown', since, since - 10 * MINUTE)).toBe('forgotten');
    expect(at('typed', since, since - 10 * MINUTE)).toBe('forgotten');
  });
});

describe('a locking', () => {
  const open = async () => {
    const engine = new MemoryEngine();
    engine.vaultStatus = FULL_VAULT;
    const config = {
      network: 'local',
      prefix: 'rpila',
      bootstrap: [],
      genesis: undefined,
    } as const;
    const session = new Session(engine, async () => config);
    await session.open();
    return { engine, session };
  };
  const LOCKED = { ...FULL_VAULT, protected: true, locked: true };

  it('by another tab is counted at once, also while an act is going on', async () => {
    const { engine, session } = await open();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const act = session.act('long', () => promise);
    engine.emitVault(LOCKED);
    expect(session.lockings).toBe(1);
    // What the screens show of the vault waits for the act.
    expect(session.vault?.locked).toBe(false);
    resolve(undefined);
    await act;
    expect(session.vault?.locked).toBe(true);
  });

  it('is counted once, and erasing counts; what was locked before is none', async () => {
    const { engine, session } = await open();
    for (const status of [LOCKED, LOCKED]) engine.emitVault(status);
    expect(session.lockings).toBe(1);
    engine.emitVault(FULL_VAULT);
    expect(session.lockings).toBe(1);
    engine.emitVault({ ...FULL_VAULT, exists: false });
    expect(session.lockings).toBe(2);
  });
});
