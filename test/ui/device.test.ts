import { describe, expect, it } from 'vitest';
import { keepAwake } from '../../src/ui/settings/device/awake.ts';
import { Badge, type Owned, type Sign } from '../../src/ui/settings/device/badge.ts';
import {
  Install,
  OFFERED_AFTER,
  SILENT_MS,
  type InstallPrompt,
} from '../../src/ui/settings/device/install.svelte.ts';
import { isMarked } from '../../src/ui/settings/device/wipe.ts';
import { Preferences } from '../../src/ui/preferences.svelte.ts';

const memory = () => {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
};

describe('the offer to install', () => {
  const NOW = Date.now();
  const setUp = (about: { standalone?: boolean; display?: boolean } = {}, storage = memory()) => {
    const page = new EventTarget();
    const preferences = new Preferences(['en'], storage);
    const install = new Install(
      Object.assign(page, {
        navigator: 'standalone' in about ? { standalone: about.standalone } : {},
        matchMedia: () => ({ matches: about.display ?? false }) as MediaQueryList,
      }),
      preferences,
    );
    const questions: string[] = [];
    const put = (outcome: 'accepted' | 'dismissed') => {
      const event: InstallPrompt & Event = Object.assign(
        new Event('beforeinstallprompt', { cancelable: true }),
        { prompt: async () => (questions.push(outcome), { outcome }) },
      );
      page.dispatchEvent(event);
      return event.defaultPrevented;
    };
    return { install, page, put, questions, storage };
  };

  it('comes after three units, where the browser lets an app be installed', () => {
    const { install, put } = setUp();
    expect(install.isOffered(1000, NOW)).toBe(false);
    expect(put('accepted')).toBe(true);
    expect(install.isOffered(OFFERED_AFTER - 1, NOW)).toBe(false);
    expect(install.isOffered(OFFERED_AFTER, NOW)).toBe(true);
  });

  it('puts the browser’s question once', async () => {
    const { install, put, questions } = setUp();
    put('accepted');
    await install.ask();
    await install.ask();
    expect(questions).toEqual(['accepted']);
    expect(install.way).toBe(undefined);
  });

  it('declined, there or here, is silent for 90 days, also after a reload', async () => {
    for (const decline of ['there', 'here'] as const) {
      const { install, put, storage } = setUp();
      put('dismissed');
      await (decline === 'there' ? install.ask() : install.decline());
      const later = setUp({}, storage);
      later.put('accepted');
      const day = (n: number) => Date.now() + n * 86_400_000;
      expect(later.install.isOffered(OFFERED_AFTER, day(89))).toBe(false);
      expect(later.install.way).toBe('prompt');
      expect(later.install.isOffered(OFFERED_AFTER, day(SILENT_MS / 86_400_000 + 1))).toBe(true);
    }
  });

  it('is silent where the app is installed, and names Safari’s menu', () => {
    expect(setUp({ standalone: false }).install.way).toBe('menu');
    for (const about of [{ standalone: true }, { display: true }]) {
      const { install, put } = setUp(about);
      put('accepted');
      expect(install.way).toBe(undefined);
    }
    const { install, page, put } = setUp();
    put('accepted');
    page.dispatchEvent(new Event('appinstalled'));
    expect(install.isOffered(OFFERED_AFTER, NOW)).toBe(false);
  });
});

describe('the badge', () => {
  const owned = (amount: bigint, account = 'a', backedUp = true): Owned => ({
    account,
    amount,
    backedUp,
  });
  const setUp = () => {
    const signs: Sign[] = [];
    return { badge: new Badge((sign) => signs.push(sign)), signs };
  };

  it('counts coins that arrive unseen, and goes when the page is seen', () => {
    const { badge, signs } = setUp();
    badge.show(undefined, false);
    badge.show(owned(5n), false);
    badge.show(owned(6n), false);
    badge.show(owned(4n), false);
    badge.show(owned(9n), false);
    badge.show(owned(9n), true);
    badge.show(owned(10n), true);
    expect(signs).toEqual([1, 2, undefined]);
  });

  it('does not take another account’s balance for an arrival', () => {
    const { badge, signs } = setUp();
    badge.show(owned(5n), false);
    badge.show(owned(50n, 'b'), false);
    badge.show(undefined, false);
    badge.show(owned(60n, 'b'), false);
    expect(signs).toEqual([]);
  });

  it('is a dot while coins hang on words that nobody wrote down', () => {
    const { badge, signs } = setUp();
    badge.show(owned(0n, 'a', false), true);
    badge.show(owned(5n, 'a', false), true);
    badge.show(owned(5n, 'a', true), true);
    expect(signs).toEqual(['dot', undefined]);
  });
});

describe('the lit screen', () => {
  const setUp = () => {
    const page = Object.assign(new EventTarget(), { hidden: false });
    const locks: { released: boolean }[] = [];
    const request = async () => {
      const lock = { released: false, release: async () => void (lock.released = true) };
      locks.push(lock);
      return lock as unknown as WakeLockSentinel;
    };
    const see = async (hidden: boolean) => {
      page.hidden = hidden;
      // As browsers do.
      if (hidden) locks.forEach((lock) => (lock.released = true));
      page.dispatchEvent(new Event('visibilitychange'));
      await Promise.resolve();
    };
    const held = () => locks.filter(({ released }) => !released).length;
    return { page: page as unknown as Document, request, locks, see, held };
  };
  const turn = () => new Promise((resolve) => setTimeout(resolve));

  it('is asked for again when the page is seen again, and one at a time', async () => {
    const { page, request, see, held, locks } = setUp();
    const stop = keepAwake(page, { request });
    await turn();
    expect(held()).toBe(1);
    await see(true);
    expect(held()).toBe(0);
    await see(false);
    await see(false);
    await turn();
    expect([held(), locks.length]).toEqual([1, 3]);
    stop();
    await turn();
    expect(held()).toBe(0);
    await see(false);
    expect(locks.length).toBe(3);
  });

  it('is let go when it is stopped while it is being asked for', async () => {
    const { page, request, held } = setUp();
    keepAwake(page, { request })();
    await turn();
    expect(held()).toBe(0);
  });

  it('does without where it is refused or unknown', async () => {
    const { page } = setUp();
    const refuse = () => Promise.reject(new DOMException('low battery', 'NotAllowedError'));
    keepAwake(page, { request: refuse })();
    keepAwake(page, undefined)();
    await turn();
  });
});

it('nothing is erased where storage is refused or unmarked', () => {
  const refuse = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  expect(isMarked(undefined, { getItem: refuse, setItem: refuse }, memory())).toBe(false);
});
