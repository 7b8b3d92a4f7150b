/**
 * The one reader of text files and bodies that people make: Notepad and PowerShell write a mark of the
 * byte order first, or UTF-16, and end lines with CR LF.
 */

/** Text of bytes in UTF-8 or, where a mark says so, UTF-16; lines end in LF. @throws TypeError for other bytes */
export function textFromBytes(bytes: Uint8Array): string {
  const [a, b] = bytes;
  const encoding =
    a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : 'utf-8';
  // The decoder takes the mark away.
  const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  return text.replace(/\r\n?/g, '\n');
}
