/** A reader of RFC 4180, as spreadsheets have it. */
export function readCsv(text: string, separator: string): string[][] {
  const rows: string[][] = [[]];
  let at = 0;
  while (at < text.length) {
    let cell = '';
    if (text[at] === '"') {
      const end = /(?<!")(?:"")*"(?!")/g;
      end.lastIndex = at + 1;
      const close = end.exec(text)!;
      const stop = close.index + close[0].length - 1;
      cell = text.slice(at + 1, stop).replaceAll('""', '"');
      at = stop + 1;
    } else
      while (at < text.length && text[at] !== separator && text[at] !== '\r') cell += text[at++];
    rows.at(-1)!.push(cell);
    if (text[at] === separator) at += 1;
    else {
      at += 2;
      if (at < text.length) rows.push([]);
    }
  }
  return rows;
}
