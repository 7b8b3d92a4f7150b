/**
 * Tables as CSV (RFC 4180) in the convention of the person's language: where a comma marks decimals, a
 * semicolon parts the fields, as spreadsheets there expect it. Pure.
 */

/** So that spreadsheets read UTF-8. */
const BYTE_ORDER_MARK = '\ufeff';
const DECIMALS_MAX = 9;

export const decimalMark = (locale: string): '.' | ',' =>
  (1.5).toLocaleString(locale).includes(',') ? ',' : '.';

/** @param rows of fields as they are to stand there */
export function csvText(rows: readonly (readonly string[])[], locale: string): string {
  const separator = decimalMark(locale) === ',' ? ';' : ',';
  return BYTE_ORDER_MARK + rows.map((row) => `${row.join(separator)}\r\n`).join('');
}

/** What a formula may begin with, once blanks and what shows nothing are left out and wide forms are narrow. */
const FORMULA = /^[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]*[=+\-\u2212@|%]/u;

/** A field, of a stranger's too: it must not become a formula. */
export const textField = (text: string): string =>
  quoted(FORMULA.test(text.normalize('NFKC')) || /^[\t\r\n]/.test(text) ? `'${text}` : text);

/** A time and numbers under their titles; what the titles name is told in their own units. */
export const tableCsv = (
  titles: readonly string[],
  rows: readonly (readonly (Date | number)[])[],
  locale: string,
): string =>
  csvText(
    [
      titles.map(textField),
      ...rows.map((row) =>
        row.map((field) =>
          field instanceof Date
            ? field.toISOString().slice(0, 19).replace('T', ' ')
            : numberField(field, locale),
        ),
      ),
    ],
    locale,
  );

export const numberField = (value: number, locale: string): string =>
  quoted(
    value
      .toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: DECIMALS_MAX })
      .replace('.', decimalMark(locale)),
  );

export const quoted = (text: string): string =>
  /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
