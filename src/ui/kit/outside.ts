/**
 * Values from outside on their way to APIs of the browser that throw: languages that a browser names
 * badly, labels of models, a clipboard that is not there. Asked while a screen is drawn, where a throw
 * would take the screen away.
 */

/** Of those that a browser says it prefers, the ones that are names of languages. */
export const languageTags = (languages: unknown): string[] =>
  (Array.isArray(languages) ? languages : []).flatMap((language) => {
    try {
      // Without extensions: they could ask for digits that no field reads.
      return [new Intl.Locale(language as string).baseName];
    } catch {
      return [];
    }
  });

/** The language of that code in words of `locale`; undefined where it is none. */
export function languageName(code: string, locale: string): string | undefined {
  try {
    return new Intl.DisplayNames(locale, { type: 'language', fallback: 'none' }).of(code);
  } catch {
    return undefined;
  }
}

/** Whether the text is in the clipboard now: a page over http has none, and a browser may refuse. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
