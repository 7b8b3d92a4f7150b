import { expect, test } from 'vitest';
import { textFromBytes } from '../../src/lib/text-file.ts';
import { WRITTEN } from './written.ts';

test.each(WRITTEN)('%s is the text that was written', (_, write) => {
  const text = 'one\ntwo è 🔋\n';
  expect(textFromBytes(write(text))).toBe(text);
  expect(textFromBytes(write(''))).toBe('');
});

test('bytes that are no text are refused, not guessed at', () => {
  for (const bytes of [[0xff], [0xc3, 0x28], [0xff, 0xfe, 0x00], [0xff, 0xfe, 0x00, 0xd8]])
    expect(() => textFromBytes(Uint8Array.from(bytes))).toThrow(TypeError);
});
