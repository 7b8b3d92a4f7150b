/** What an index of one's own texts holds at most: all of its rows are in memory, and all of it on one device. */

/** Bytes of one file: a long book has one million. */
export const FILE_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes of all texts. */
export const TEXTS_BYTES_MAX = 64 * 1024 * 1024;
export const DOCUMENTS_MAX = 2_000;
/** Of all texts: some 20 MB of rows, gone through in a few hundredths of a second. */
export const PASSAGES_MAX = 50_000;
/** Characters of a name, which may have a path before it. */
export const NAME_CHARS_MAX = 255;
