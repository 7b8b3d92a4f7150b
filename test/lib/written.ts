import { utf8 } from '../../src/lib/bytes.ts';

/** Every way in which an editor or a shell of Windows writes a text. */
export const WRITTEN: [string, (text: string) => Uint8Array][] = [
  ['UTF-8', utf8],
  ['UTF-8 with a mark', (text) => utf8(`\ufeff${text}`)],
  ['UTF-16 LE', (text) => utf16(`\ufeff${text}`, true)],
  ['UTF-16 BE', (text) => utf16(`\ufeff${text}`, false)],
  ['CR LF', (text) => utf8(text.replaceAll('\n', '\r\n'))],
  ['UTF-16 LE, CR LF', (text) => utf16(`\ufeff${text.replaceAll('\n', '\r\n')}`, true)],
];

function utf16(text: string, little: boolean): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), little);
  return bytes;
}
