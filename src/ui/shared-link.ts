/** What another app shared with the installed one: a payment link, an address, or a text to ask about. Pure. */
import { ADDRESS_PREFIXES } from '../core/params.ts';
import { linkToPage } from './route.svelte.ts';

const FIELDS = ['url', 'text', 'title'];
const LINK = /\b(?:web\+)?pila:[^\s<>"]+/i;
const ADDRESS = new RegExp(`\\b(?:${ADDRESS_PREFIXES.join('|')})1[02-9ac-hj-np-z]{40,90}\\b`, 'i');
/** What stands after a link in a sentence is not of it. */
const SENTENCE_END = /[^\p{L}\p{N}%=&/~_-]+$/u;
const TEXT_CHARS_MAX = 4096;

/** Where to go with what the address's query holds; undefined when there is nothing in it for us. */
export function placeOfShare(search: string): string | undefined {
  const fields = new URLSearchParams(search);
  for (const name of FIELDS) {
    const text = (fields.get(name) ?? '').slice(0, TEXT_CHARS_MAX);
    const found = LINK.exec(text)?.[0].replace(SENTENCE_END, '') ?? ADDRESS.exec(text)?.[0];
    if (found) return linkToPage('pay', found);
  }
  const text = (fields.get('text') ?? '').trim().slice(0, TEXT_CHARS_MAX).toWellFormed();
  return text ? linkToPage('question', text) : undefined;
}
