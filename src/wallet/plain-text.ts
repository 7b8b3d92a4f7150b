/** Text for a screen, with controls and direction marks shown as a blank box. */
export const plainText = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, '\ufffd');
