import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keepAwake } from '../../src/ui/settings/device/awake.ts';
import { Badge, type Owned, type Sign } from '../../src/ui/attention/badge.ts';
import {
  Install,
  OFFERED_AFTER,
  SILENT_MS,
  type InstallPrompt,
} from '../../src/ui/settings/device/install.svelte.ts';
import { ERASED, lineOf } from '../../src/ui/settings/device/places.ts';
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
  const [SEEN, UNSEEN] = [
    { seen: true, answers: 0 },
    { seen: false, answers: 0 },
  ];
  const setUp = () => {
    const signs: Sign[] = [];
    return { badge: new Badge((sign) => signs.push(sign)), signs };
  };

  it('counts coins that arrive unseen, and goes when the page is seen', () => {
    const { badge, signs } = setUp();
    badge.show(undefined, UNSEEN);
    badge.show(owned(5n), UNSEEN);
    badge.show(owned(6n), UNSEEN);
    badge.show(owned(4n), UNSEEN);
    badge.show(owned(9n), UNSEEN);
    badge.show(owned(9n), SEEN);
    badge.show(owned(10n), SEEN);
    expect(signs).toEqual([1, 2, undefined]);
  });

  it('counts answers that come unseen with them', () => {
    const { badge, signs } = setUp();
    badge.show(owned(5n), { seen: true, answers: 1 });
    badge.show(owned(5n), { seen: false, answers: 2 });
    badge.show(owned(5n), { seen: false, answers: 2 });
    badge.show(owned(6n), { seen: false, answers: 3 });
    badge.show(owned(6n), { seen: true, answers: 3 });
    badge.show(owned(6n), { seen: false, answers: 3 });
    expect(signs).toEqual([1, 3, undefined]);
  });

  it('does not take another account’s balance for an arrival', () => {
    const { badge, signs } = setUp();
    badge.show(owned(5n), UNSEEN);
    badge.show(owned(50n, 'b'), UNSEEN);
    badge.show(undefined, UNSEEN);
    badge.show(owned(60n, 'b'), UNSEEN);
    expect(signs).toEqual([]);
  });

  it('is a dot while coins hang on words that nobody wrote down', () => {
    const { badge, signs } = setUp();
    badge.show(owned(0n, 'a', false), SEEN);
    badge.show(owned(5n, 'a', false), SEEN);
    badge.show(owned(5n, 'a', true), SEEN);
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

describe('the list before everything is erased', () => {
  /** Names that begin as ours do, and are no place: files that are saved, channels, locks and headers. */
  const NO_PLACES =
    /\.(json|csv|png)$|^pila-\$\{title|^pila-(wallet|answer|price|wipe|vault|seen)$|^pila\.wipe$/;
  /** What stands for a template's value, by the code in it. */
  const VALUES: Readonly<Record<string, readonly string[]>> = {
    'config.network': ['e2e'],
    name: ['chain', 'outbox'],
    generation: ['7'],
    prefix: ['rpila'],
    'this.#prefix': ['rpila'],
    'this.#kind': ['watched', 'contacts'],
  };

  /** Every text in the page's code that may be a name of a place, its templates filled in. */
  function placesInSource(): string[] {
    const found: string[] = [];
    for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
      if (!/\.(ts|svelte)$/.test(file) || /^(node|package|core)\//.test(file)) continue;
      const source = readFileSync(`src/${file}`, 'utf8');
      for (const [, text] of source.matchAll(/['"`](pila[-.][^'"`]+)['"`]/g)) found.push(text!);
      if (file.endsWith('preferences.svelte.ts'))
        for (const [, key] of source.matchAll(/#(?:read|write)\('([^']+)'/g))
          found.push(`pila.${key}`);
    }
    // Keys of the preferences are there one by one.
    const filled = (text: string): string[] => {
      const [all, code] = /\$\{([^}]+)\}/.exec(text) ?? [];
      if (all === undefined) return [text];
      return (VALUES[code!] ?? ['?']).flatMap((value) => filled(text.replace(all, value)));
    };
    return [...new Set(found)].filter((text) => text !== 'pila.${key}').flatMap(filled);
  }

  it('names every place in which the page keeps something', () => {
    const places = placesInSource().filter((name) => !NO_PLACES.test(name));
    expect(places.filter((name) => !lineOf(name))).toEqual([]);
    // All but the precache, which the library names.
    const told = new Set(['app', ...places.map(lineOf)]);
    expect(ERASED.filter((line) => !told.has(line))).toEqual([]);
    for (const name of [
      'pila-precache-v2-http://a/',
      'pila-chats',
      'pila-e2e-outbox',
      'pila.awake',
    ])
      expect(lineOf(name), name).toBeDefined();
    for (const name of ['pila-new', 'pila.new.rpila', 'other'])
      expect(lineOf(name)).toBe(undefined);
  });
});
