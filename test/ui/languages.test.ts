import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, hasErrorCodeForm, type ErrorCode } from '../../src/lib/error-codes.ts';
import { FAULTS } from '../../src/core/faults.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { it as italian } from '../../src/ui/i18n/it/app.ts';
import { LANGUAGE_NAMES, LANGUAGES, type Language } from '../../src/ui/i18n/languages.ts';
import { labelText } from '../../src/ui/ask/question.ts';
import { formatAge, formatVolts } from '../../src/ui/kit/format.ts';
import { LOADERS } from '../../src/ui/i18n/texts.svelte.ts';
import { Preferences, preferredLanguage } from '../../src/ui/preferences.svelte.ts';
import type { ErrorTexts } from '../../src/ui/i18n/error-texts.ts';
import { leavesOf } from './words/leaves.ts';
import { sentenceOfError, sentenceOfReason } from '../../src/ui/i18n/sentences.ts';

/** Bugs, and codes that never reach a person: INTERNAL's sentence is right for them. */
const BUGS = ['NO_METHOD', 'NOT_CLONABLE', 'NOT_CONFIGURED', 'PASS_ABORTED'];
/** Of what only programs call: a seed's address, a key in their hands. */
const PROGRAMS = ['SEED_SILENT', 'KEY_MALFORMED'];
/** Codes of parts that no screen uses yet: payment links. */
const UNUSED = /^(URI_|ADDRESS_|AMOUNT_|MEMO_LONG|FEE_)/;

describe('languages', () => {
  const textsOf = async (language: Language) => {
    const later = await LOADERS[language]();
    return leavesOf({ app: LANGUAGES[language], ...later });
  };

  it.each(LANGUAGE_NAMES)(
    'say the same things, none of them empty, with the same parameters: %s',
    async (language) => {
      const english = await textsOf('en');
      const other = new Map(await textsOf(language));
      expect([...other.keys()].sort()).toEqual(english.map(([key]) => key).sort());
      for (const [key, text] of english) {
        const translated = other.get(key);
        expect(typeof translated, key).toBe(typeof text);
        if (typeof text === 'string') expect(translated, key).not.toBe('');
        else expect((translated as () => void).length, key).toBe((text as () => void).length);
      }
    },
  );

  it('name no money but the chain’s: nobody is asked for a price', () => {
    const texts = globSync('src/ui/i18n/*/*.ts').map((file) => readFileSync(file, 'utf8'));
    expect(texts.length).toBeGreaterThan(10);
    expect(texts.join('\n')).not.toMatch(/[€£¥]|\$(?!\{)|\b(EUR|USD|euro|dollar[is]?)\b/i);
  });

  it('follow the browser, then the choice', () => {
    expect(preferredLanguage(['de-DE', 'it-CH', 'en'])).toBe('it');
    expect(preferredLanguage(['de'])).toBe('en');
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    const first = new Preferences(['it-CH'], storage);
    expect([first.language, first.locale]).toEqual(['it', 'it-CH']);
    first.speak('en');
    first.show('dark');
    first.draw(60);
    const second = new Preferences(['it-CH'], storage);
    expect([second.language, second.locale, second.theme]).toEqual(['en', 'en', 'dark']);
    expect(second.text).toBe(LANGUAGES.en);
    expect(second.watts).toBe(60);
    second.draw(undefined);
    expect(new Preferences(['it-CH'], storage).watts).toBeUndefined();
  });

  it.each([
    [['en-US@posix'], 'en', 'en'],
    [['it-IT@euro', 'it-CH'], 'it', 'it-CH'],
    [['de-DE', 'en-US@posix'], 'en', 'en'],
    [['C', '', '*', 'en_GB', 'it-'], 'en', 'en'],
    [['en-u-nu-arab-x-y', 'en-GB-oxendict'], 'en', 'en-GB-oxendict'],
    [['it-IT-u-nu-arab'], 'it', 'it-IT'],
    [[null, {}, 7, 'it-IT'], 'it', 'it-IT'],
    [undefined, 'en', 'en'],
  ] as const)('take a browser as it names its languages: %j', (named, language, locale) => {
    const preferences = new Preferences(named as unknown as string[], undefined);
    expect([preferences.language, preferences.locale]).toEqual([language, locale]);
    expect(formatVolts(1_234_567_891_234n, preferences.locale)).toMatch(/^1.?234[.,]5678/);
    expect(formatAge(90_000, preferences.locale)).toMatch(/1/);
  });

  it.each(['__proto__', 'constructor', 'toString', '', 'EN', '{}'])(
    'take no word in the storage for one: %s',
    (kept) => {
      const storage = { getItem: () => kept, setItem: () => undefined };
      const preferences = new Preferences(['it'], storage);
      expect(preferences.language).toBe('it');
      expect(preferences.text).toBe(LANGUAGES.it);
      expect([preferences.theme, preferences.intensity, preferences.watts]).toEqual([
        'auto',
        100,
        undefined,
      ]);
    },
  );

  it.each(['constructor', '__proto__', 'no such label', 'en-US@posix', '', 'x'.repeat(999)])(
    'take a label of a model for no language: %s',
    (label) => expect(labelText(label, 'lingua', 'en').toLowerCase()).toBe(label.toLowerCase()),
  );

  it('work where storage is forbidden', () => {
    const forbidden = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    const preferences = new Preferences(['en'], { getItem: forbidden, setItem: forbidden });
    preferences.speak('it');
    expect(preferences.text.code).toBe('it');
  });
});

describe('errors', () => {
  it('every code that our browser parts throw has its own sentence', () => {
    const files = globSync('src/{lib,core,chain,net,miner,wallet,client,ui}/**/*.ts');
    const thrown = new Set<string>();
    for (const file of files)
      for (const [, code] of readFileSync(file, 'utf8').matchAll(/new AppError\(\s*'([A-Z_]+)'/g))
        thrown.add(code!);
    expect(thrown.size).toBeGreaterThan(20);
    const missing = [...thrown].filter(
      (code) =>
        !(code in en.errors) && ![...BUGS, ...PROGRAMS].includes(code) && !UNUSED.test(code),
    );
    expect(missing).toEqual([]);
  });

  it('an unknown code gets the sentence of a bug', () => {
    for (const code of ['toString', 'NEVER_SEEN'] as string[] as ErrorCode[])
      expect(sentenceOfError({ code, message: '' }, en)).toBe(en.errors.INTERNAL);
    expect(['toString', '', 1, null].filter(hasErrorCodeForm)).toEqual([]);
    expect(ERROR_CODES.filter((code) => !hasErrorCodeForm(code))).toEqual([]);
  });

  it('a code without a sentence, that is not listed as unseen, does not compile', () => {
    const { NO_PEERS: _, ...others } = en.errors;
    // @ts-expect-error: NO_PEERS has no sentence.
    const table: ErrorTexts = others;
    expect(Object.keys(table)).toHaveLength(Object.keys(en.errors).length - 1);
  });

  it('a refused payment says why', () => {
    const said = sentenceOfError({ code: 'TX_REFUSED', message: 'tx.fee-low' }, italian);
    expect(said).toBe(`${italian.errors.TX_REFUSED} ${italian.forms['tx.fee-low']}`);
    const faults = Object.keys(en.forms).filter((key) => key.startsWith('tx.'));
    expect(faults.filter((code) => !(code in FAULTS))).toEqual([]);
  });

  it('an unknown reason is shown as it is', () => {
    expect(sentenceOfReason('stale', en)).toBe(en.reasons.stale);
    expect(sentenceOfReason('noGpu', en)).toBe('noGpu');
    expect(sentenceOfReason('constructor', en)).toBe('constructor');
  });
});
