/** A conversation with language models as this device keeps it: its format, its bounds, its name. Pure. */
import {
  CodecError,
  list,
  optional,
  struct,
  text,
  tryDecode,
  u16,
  u32,
  u48,
  u8,
  type Codec,
  type Value,
} from '../../../../core/codec.ts';
import { CONTEXT_PASSAGES_MAX } from '../../../../client/texts-index/context.ts';
import { plainText } from '../../../../wallet/plain-text.ts';

/** Conversations that are kept; the one that was used least lately makes room. */
export const CHATS_MAX = 100;
/** Bytes of all of them: they are held in memory too. */
export const CHATS_BYTES_MAX = 8 * 1024 * 1024;
/** Questions of one: as many as a template is given messages for. */
export const TURNS_MAX = 127;
/** Bytes of one, from which on it takes no further question. */
export const CHAT_BYTES_FULL = 512 * 1024;
/** Bytes of one: a last question and its answer may come on top. */
export const CHAT_BYTES_MAX = 2 * CHAT_BYTES_FULL;
/** Characters of a name that a person gives, and of the first words that stand for one. */
export const NAME_CHARS_MAX = 60;

const FORM = 2;
/** Why an answer has ended; `stopped` by the person. */
const ENDS = ['stop', 'length', 'context', 'stopped', 'failed'] as const;
export type End = (typeof ENDS)[number];

const end: Codec<End> = {
  write: (w, value) => u8.write(w, ENDS.indexOf(value)),
  read(r) {
    const found = ENDS[u8.read(r)];
    if (!found) throw new CodecError('an end of another version');
    return found;
  },
};

/** Of a whole conversation there may be too much to keep; of no single text. */
const anyText = text(2 ** 31);

/** A passage of the person's own texts that the model read. */
const Read = struct({ name: anyText, text: anyText });
export type Read = Value<typeof Read>;

const Answer = struct({
  text: anyText,
  /** A last one without a text among them. */
  tokens: u32,
  end,
  seed: anyText,
  /** Name of the model. */
  model: anyText,
  /** Earlier questions, with their answers, that had no room: the model did not read them. */
  unread: u16,
  /** Of one's own texts, the best first. */
  read: list(Read, CONTEXT_PASSAGES_MAX),
});
export type Answer = Value<typeof Answer>;

const Turn = struct({ question: anyText, answer: optional(Answer) });
export type Turn = Value<typeof Turn>;

export const KeptChat = struct({
  form: u8,
  /** Counts its changes: another tab may have made one. */
  revision: u32,
  changedMs: u48,
  /** As a person has named it; '': its first words. */
  name: anyText,
  /** What the model is told before all questions. */
  system: anyText,
  /** Whose passages it reads: the id of one of the person's own texts, '' of them all; null: of none. */
  about: optional(anyText),
  /** What is not as the model's own options, in the units of docs/generation.md. */
  temperature: optional(u16),
  topP: optional(u32),
  maxTokens: optional(u16),
  turns: list(Turn, TURNS_MAX),
});
export type KeptChat = Value<typeof KeptChat>;

/** undefined: what was kept is none, or of another version. */
export function readChat(bytes: Uint8Array): KeptChat | undefined {
  const chat = tryDecode(KeptChat, bytes);
  return chat?.form === FORM ? chat : undefined;
}

export const newChat = (): KeptChat => ({
  form: FORM,
  revision: 0,
  changedMs: 0,
  name: '',
  system: '',
  about: null,
  temperature: null,
  topP: null,
  maxTokens: null,
  turns: [],
});

/** Its name, or the first words of its first question; '' of one without words. */
export function nameOf({ name, turns }: Pick<KeptChat, 'name' | 'turns'>): string {
  const said = plainText(name || (turns[0]?.question ?? '').slice(0, 4 * NAME_CHARS_MAX));
  const words = said.replace(/[\s\ufffd]+/g, ' ').trim();
  return words.length > NAME_CHARS_MAX ? `${firstWords(words)}…` : words;
}

/** Cut between words, where there are any. */
function firstWords(text: string): string {
  const cut = [...text].slice(0, NAME_CHARS_MAX - 1).join('');
  const end = cut.lastIndexOf(' ');
  return end > NAME_CHARS_MAX / 2 ? cut.slice(0, end) : cut;
}
