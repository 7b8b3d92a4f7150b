/** Files that people give: what is a text is read whole, and everything else is told by its code. */
import { expect, test } from 'vitest';
import { FILE_BYTES_MAX } from '../../../src/client/texts-index/bounds.ts';
import { namedText, textOfFile } from '../../../src/client/texts-index/read-text.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { concat, utf8 } from '../../../src/lib/bytes.ts';

const codeOf = (bytes: Uint8Array): string => {
  try {
    textOfFile('a.txt', bytes);
    return 'read';
  } catch (e) {
    return AppError.from(e).code;
  }
};

test('UTF-8 and UTF-16 with its mark are read; ends of lines become one', () => {
  expect(textOfFile('a.txt', utf8('è così\r\nsì\r'))).toEqual({
    name: 'a.txt',
    text: 'è così\nsì\n',
  });
  const utf16 = concat(
    Uint8Array.of(0xff, 0xfe),
    new Uint8Array(Uint16Array.from('né', (c) => c.charCodeAt(0)).buffer),
  );
  expect(textOfFile('a.txt', utf16).text).toBe('né');
  expect(textOfFile('a.txt', utf8('\ufeffwith a mark')).text).toBe('with a mark');
});

test('what is no text is told apart from a text in another encoding, from nothing, and from too much', () => {
  expect(codeOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13))).toBe(
    'TEXT_BINARY',
  );
  expect(codeOf(utf8('%PDF-1.7\nof letters alone'))).toBe('TEXT_BINARY');
  expect(codeOf(utf8('{\\rtf1 letters}'))).toBe('TEXT_BINARY');
  expect(codeOf(utf8('text\0text'))).toBe('TEXT_BINARY');
  // «perché» in Latin-1.
  expect(codeOf(Uint8Array.of(0x70, 0x65, 0x72, 0x63, 0x68, 0xe9))).toBe('TEXT_ENCODING');
  // UTF-16 without its mark.
  expect(codeOf(new Uint8Array(Uint16Array.from('perché', (c) => c.charCodeAt(0)).buffer))).toBe(
    'TEXT_BINARY',
  );
  expect(codeOf(new Uint8Array())).toBe('TEXT_EMPTY');
  expect(codeOf(utf8(' \n\u200b\u2028 '))).toBe('TEXT_EMPTY');
  expect(codeOf(new Uint8Array(FILE_BYTES_MAX).fill(0x61))).toBe('read');
  expect(codeOf(new Uint8Array(FILE_BYTES_MAX + 1).fill(0x61))).toBe('TEXT_LARGE');
});

test('half a surrogate pair that was pasted becomes a mark, and a long name keeps its end', () => {
  expect(namedText('n', 'a\ud83d').text).toBe('a\ufffd');
  const long = `${'folder/'.repeat(60)}end.md`;
  expect(namedText(long, 'a').name).toHaveLength(255);
  expect(namedText(long, 'a').name.endsWith('folder/end.md')).toBe(true);
});
