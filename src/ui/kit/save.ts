import { utf8 } from '../../lib/bytes.ts';

/** Hands a text to the person as a file. */
export const saveText = (name: string, type: string, text: string): void =>
  saveFile(name, type, utf8(text));

export function saveFile(name: string, type: string, bytes: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun in the same turn; a minute leaves room for a person who chooses a folder.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
