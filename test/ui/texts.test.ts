/** Texts that come later: loaded with the part that shows them, in the language in use. */
import { expect, test } from 'vitest';
import { network as english } from '../../src/ui/i18n/en/network.ts';
import { network as italian } from '../../src/ui/i18n/it/network.ts';
import { Texts } from '../../src/ui/i18n/texts.svelte.ts';
import { Preferences } from '../../src/ui/preferences.svelte.ts';

test('texts are there once they are loaded, and another language when its own are', async () => {
  const preferences = new Preferences(['en'], undefined);
  const texts = new Texts(preferences);
  expect(() => texts.of('network')).toThrow('not loaded');
  await texts.load();
  expect(texts.of('network')).toBe(english);
  const spoken = texts.speak('it');
  expect(preferences.language).toBe('en');
  await spoken;
  expect([preferences.language, texts.of('network')]).toEqual(['it', italian]);
});

test('texts that come while the language changes are there in the new one', async () => {
  const preferences = new Preferences(['en'], undefined);
  const texts = new Texts(preferences);
  await Promise.all([texts.load(), texts.speak('it')]);
  expect(preferences.language).toBe('it');
  expect(texts.of('network')).toBe(italian);
  expect(texts.of('plots').know).toBe('Come lo sappiamo?');
});
