/** Hands a text to the person as a file. */
export function saveText(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun in the same turn; a minute leaves room for a person who chooses a folder.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
