/** The one way in which a text follows the number that stands in it. */

/** The form for one, and the form for all others; a language with more forms than these two names them too. */
export type Forms = Readonly<{ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>>;

/** Chooses a form by the rules of a language (Unicode CLDR). */
const formsOf = (language: string): ((n: number, forms: Forms) => string) => {
  const rules = new Intl.PluralRules(language);
  return (n, forms) => forms[rules.select(n)] ?? forms.other;
};

export const inEnglish = formsOf('en');
export const inItalian = formsOf('it');
