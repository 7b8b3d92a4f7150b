import { afterEach, describe, expect, it, vi } from 'vitest';
import { VERSION_KNOWN } from '../../src/core/params.ts';
import { conditionsOf, isBlocked, UNSEEN } from '../../src/ui/work/conditions.ts';
import { loadConfig } from '../../src/ui/engine.ts';
import { isMetered, onLine } from '../../src/ui/work/line.ts';

const OFF_MS = 10_000;

const namesOf = (...args: Parameters<typeof conditionsOf>) =>
  conditionsOf(...args).map(({ name }) => name);

describe('conditions of a first run', () => {
  it('are none in a browser that has all', () => {
    const config = { version: VERSION_KNOWN, clockAheadMs: 900 };
    expect(namesOf({ ...UNSEEN, roomBytes: 1e10 }, config, false)).toEqual([]);
    expect(namesOf(UNSEEN, undefined, false)).toEqual([]);
  });

  it('an insecure address is the cause of all else that is missing', () => {
    const browser = {
      ...UNSEEN,
      isSecure: false,
      missing: ['Web Locks'],
      hasWebGpu: false,
      roomBytes: 0,
    };
    expect(namesOf(browser, undefined, true)).toEqual(['insecure']);
  });

  it('are named together, and only some keep Start from being pressed', () => {
    const lacks = { hasWebGpu: false, hasFiles: false, roomBytes: 1e8 };
    const browser = { isSecure: true, missing: ['Web Locks'], ...lacks };
    const config = { version: VERSION_KNOWN + 1, clockAheadMs: OFF_MS + 1 };
    const all = conditionsOf(browser, config, true);
    expect(all.map(({ name }) => name)).toEqual([
      ...['browserOld', 'versionOld', 'clock', 'room', 'noFiles', 'noWebGpu', 'battery'],
    ]);
    expect(all.map((one) => isBlocked([one]))).toEqual([true, true, ...Array(5).fill(false)]);
  });

  it('a clock may differ as far as a block may', () => {
    for (const ms of [OFF_MS, -OFF_MS])
      expect(namesOf(UNSEEN, { clockAheadMs: ms }, false)).toEqual([]);
    for (const ms of [OFF_MS + 1, -OFF_MS - 1])
      expect(namesOf(UNSEEN, { clockAheadMs: ms }, false)).toEqual(['clock']);
  });

  it('the clock is judged by the server’s answer, where it has a time', async () => {
    const answer = (headers: Record<string, string>) =>
      vi.stubGlobal('fetch', async () =>
        Response.json({ network: 'local', prefix: 'rpila', bootstrap: [] }, { headers }),
      );
    answer({ date: new Date(Date.now() - 3_600_000).toUTCString() });
    expect((await loadConfig()).clockAheadMs).toBeGreaterThan(3_590_000);
    answer({});
    expect((await loadConfig()).clockAheadMs).toBeUndefined();
    vi.unstubAllGlobals();
  });
});

describe('a line that is paid by what goes over it', () => {
  function on(facts: object | undefined): void {
    const connection = facts && Object.assign(new EventTarget(), facts);
    vi.stubGlobal('navigator', { connection });
  }
  afterEach(() => vi.unstubAllGlobals());

  it.each([
    [undefined, false],
    [{}, false],
    [{ type: 'wifi', saveData: false }, false],
    [{ type: 'wifi', saveData: true }, true],
    [{ type: 'cellular' }, true],
  ])('%j: %s', (connection, metered) => {
    on(connection);
    expect(isMetered()).toBe(metered);
  });

  it('is heard when it becomes one, where the browser says so', () => {
    on(undefined);
    onLine(() => undefined)();
    on({ type: 'wifi' });
    let heard = 0;
    const stop = onLine(() => void heard++);
    const { connection } = navigator as unknown as { connection: EventTarget };
    connection.dispatchEvent(new Event('change'));
    stop();
    connection.dispatchEvent(new Event('change'));
    expect(heard).toBe(1);
  });
});
