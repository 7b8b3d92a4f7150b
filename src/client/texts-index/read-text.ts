/** Texts from files that a person gives: whatever is no text is told by its code. */
import { AppError } from '../../lib/errors.ts';
import { textFromBytes } from '../../lib/text-file.ts';
import { FILE_BYTES_MAX, NAME_CHARS_MAX } from './bounds.ts';

export interface NamedText {
  /** Of its file, with the folders in it where a folder was given. */
  readonly name: string;
  readonly text: string;
}

/** Files that are read out of a folder by their names; one that is given by itself is tried whatever its name. */
export const TEXT_NAMES = /\.(?:txt|text|md|markdown|rst|adoc|org|tex|csv|tsv|log|srt|vtt)$/i;
/** Controls that no text holds; tabs, line ends and form feeds may be there. */
const BINARY = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;
/** A letter, digit, mark or picture: what a model may read. */
const READABLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

export const isReadable = (text: string): boolean => READABLE.test(text);

/**
 * @throws AppError TEXT_LARGE over FILE_BYTES_MAX, TEXT_BINARY where it is no text, TEXT_ENCODING where it is neither
 * UTF-8 nor UTF-16 with its mark, TEXT_EMPTY where nothing in it can be read
 */
export function textOfFile(name: string, bytes: Uint8Array): NamedText {
  if (bytes.length > FILE_BYTES_MAX)
    throw new AppError('TEXT_LARGE', `${bytes.length} bytes, over ${FILE_BYTES_MAX}`);
  let text: string;
  try {
    text = textFromBytes(bytes);
  } catch (cause) {
    // No encoding of letters in use has bytes of zero, or begins as these files do.
    const isBinary = bytes.includes(0) || startsLikeBinary(bytes);
    throw new AppError(isBinary ? 'TEXT_BINARY' : 'TEXT_ENCODING', name, { cause });
  }
  if (BINARY.test(text) || startsLikeBinary(bytes)) throw new AppError('TEXT_BINARY', name);
  return namedText(name, text);
}

/** A text that was pasted or read. @throws AppError TEXT_LARGE, TEXT_EMPTY */
export function namedText(name: string, text: string): NamedText {
  if (text.length > FILE_BYTES_MAX)
    throw new AppError('TEXT_LARGE', `${text.length} characters, over ${FILE_BYTES_MAX}`);
  // Half a surrogate pair would be another character on disk.
  const whole = text.toWellFormed();
  if (!isReadable(whole)) throw new AppError('TEXT_EMPTY', name);
  const shown = Array.from(name.toWellFormed()).slice(-NAME_CHARS_MAX).join('');
  return { name: shown, text: whole };
}

/** What files of other kinds begin with, that may hold letters alone: PDF, PostScript, RTF. */
const MAGIC = ['%PDF-', '%!PS', '{\\rtf'];

const startsLikeBinary = (bytes: Uint8Array): boolean =>
  MAGIC.some((magic) => Array.from(magic).every((c, i) => bytes[i] === c.charCodeAt(0)));
