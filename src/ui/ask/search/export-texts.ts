/** What was found, and the texts of the index, as files. Pure. */
import type { Hit } from '../../../client/texts-index/texts-index.ts';
import type { Passage } from '../../../client/texts-index/cut.ts';
import { csvText, numberField, textField } from '../../kit/spreadsheet.ts';

/** A text with its passages. */
export interface WholeText {
  readonly name: string;
  readonly passages: readonly { readonly passage: Passage; readonly text: string }[];
}

export const foundJson = (query: string, model: string, hits: readonly Hit[]): string =>
  `${JSON.stringify(
    {
      query,
      model,
      passages: hits.map(({ name, at, passage, text, cosine }) => ({
        text: name,
        passage: at + 1,
        ...passage,
        cosine,
        said: text,
      })),
    },
    undefined,
    2,
  )}\n`;

/** @param titles of text, passage, likeness and what is said */
export const foundCsv = (titles: readonly string[], hits: readonly Hit[], locale: string): string =>
  csvText(
    [
      titles.map(textField),
      ...hits.map(({ name, at, cosine, text }) => [
        textField(name),
        numberField(at + 1, locale),
        numberField(cosine, locale),
        textField(text),
      ]),
    ],
    locale,
  );

export const textsJson = (model: string, texts: readonly WholeText[]): string =>
  `${JSON.stringify(
    {
      model,
      texts: texts.map(({ name, passages }) => ({
        text: name,
        passages: passages.map(({ passage, text }) => ({ ...passage, said: text })),
      })),
    },
    undefined,
    2,
  )}\n`;
