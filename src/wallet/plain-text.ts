/** Texts that somebody else wrote, made fit for a screen. The only list of what is not: all places ask here. */

/** What stands where something was that shows nothing, or turns what stands beside it. */
const BOX = '\ufffd';
/**
 * Controls, formats, surrogates, private and unassigned characters, all that Unicode lets a screen leave out,
 * line and paragraph separators, and letters and symbols whose picture is empty: Braille's blank pattern, a note
 * without a head, the filler of Khitan, the blanks of hieroglyphs, what stands for an object that is not there.
 */
const HIDDEN = /[\p{C}\p{DI}\p{Zl}\p{Zp}\u2800\ufffc\u{1d159}\u{16fe4}\u{13441}\u{13442}]/gu;
/** Asks for the coloured picture of the character before it: harmless there, and common. */
const COLOURED = /(\p{Extended_Pictographic})\ufe0f/gu;
/** More than two marks on one letter cover the lines beside it. */
const MARKS = /(\p{M}{2})\p{M}+/gu;
/** A mark without a letter would sit on what stands before the text. */
const LOOSE_MARKS = /^\p{M}+/u;
const BREAKS = '\n\t';

/**
 * In NFC, with a box for each character that would hide or turn something, one kind of blank, and no tower of
 * marks. The order of writing is for `<bdi>`, or Isolated.svelte within a sentence, to keep apart.
 * @param keep `lines`: line ends and tabs stay, for texts of more than one line
 */
export const plainText = (text: string, keep?: 'lines'): string =>
  text
    .normalize('NFC')
    .replace(COLOURED, '$1')
    .replace(HIDDEN, (found) => (keep && BREAKS.includes(found) ? found : BOX))
    .replace(/\p{Zs}/gu, ' ')
    .replace(MARKS, '$1')
    .replace(LOOSE_MARKS, BOX);

/** Whether nothing would be seen of it: only blanks, boxes and marks. */
export const showsNothing = (text: string): boolean =>
  !/[^\s\p{M}\ufffd]/u.test(plainText(text, 'lines'));

/** A name as it is shown; '' where nothing would be seen of it. */
export const shownName = (text: string): string =>
  showsNothing(text) ? '' : plainText(text.trim());

/** A stranger's text within a sentence: Unicode's isolates around it, which no plain text holds itself. */
export const isolated = (text: string): string => `\u2068${text}\u2069`;
