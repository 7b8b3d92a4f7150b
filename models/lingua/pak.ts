/**
 * Reads Chromium's .pak files, versions 4 and 5: a header, a table of u16 ids and u32 offsets that one
 * entry past the last closes, and the strings (ui/base/resource/data_pack.cc of Chromium).
 */
const UTF8 = 1;
const UTF16 = 2;
const ENTRY = 6;

export interface Pak {
  /** Resource id → text. */
  readonly texts: ReadonlyMap<number, string>;
}

/** The texts of a pak file; throws with the reason where it isn't one of text. */
export function readPak(file: Uint8Array): Pak {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 12) throw new Error('pak: too short for a header');
  const version = view.getUint32(0, true);
  if (version !== 4 && version !== 5) throw new Error(`pak: version ${version}`);
  const encoding = view.getUint8(version === 4 ? 8 : 4);
  const count = version === 4 ? view.getUint32(4, true) : view.getUint16(8, true);
  const aliases = version === 4 ? 0 : view.getUint16(10, true);
  if (encoding !== UTF8 && encoding !== UTF16) throw new Error(`pak: encoding ${encoding}`);
  const table = version === 4 ? 9 : 12;
  const aliasTable = table + (count + 1) * ENTRY;
  if (aliasTable + 4 * aliases > file.length) throw new Error('pak: table past the end');
  const decoder = new TextDecoder(encoding === UTF8 ? 'utf-8' : 'utf-16le');
  const text = (i: number): string => {
    const at = table + i * ENTRY;
    const [from, to] = [view.getUint32(at + 2, true), view.getUint32(at + ENTRY + 2, true)];
    if (from > to || to > file.length) throw new Error(`pak: entry ${i} lies outside`);
    return decoder.decode(file.subarray(from, to));
  };
  const texts = new Map<number, string>();
  for (let i = 0; i < count; i++) texts.set(view.getUint16(table + i * ENTRY, true), text(i));
  for (let i = 0; i < aliases; i++) {
    const at = aliasTable + 4 * i;
    const index = view.getUint16(at + 2, true);
    if (index >= count) throw new Error(`pak: alias ${i} points outside`);
    texts.set(view.getUint16(at, true), text(index));
  }
  return { texts };
}
