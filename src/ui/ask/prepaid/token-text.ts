/** One token of a language model, as it is named in a sentence. */
import { plainText } from '../../../wallet/plain-text.ts';
import type { Session } from '../../session.svelte.ts';

/** Its text, or its number where it has none; undefined where there is no token. @throws AppError as `textBytes` */
export async function tokenText(
  { peer }: Session,
  model: Uint8Array,
  token: number | undefined,
): Promise<string | undefined> {
  if (token === undefined) return undefined;
  const bytes = await peer.textBytes(model, Uint32Array.of(token));
  return plainText(new TextDecoder().decode(bytes).trim(), 'lines') || String(token);
}
