/** A passage as it is drawn: its headings without their marks, its best sentence marked. Pure. */
import { HEADING, type Passage } from '../../../client/texts-index/cut.ts';

export interface Part {
  readonly text: string;
  readonly as: 'plain' | 'heading' | 'best';
}

/** Parts side by side; nothing of the text is lost but marks of headings and blank lines after them. */
export function partsOf(text: string, best: Passage | undefined): Part[] {
  const plain = best ? [text.slice(0, best.from), text.slice(best.to)] : [text];
  const [before = [], after = []] = plain.map(linesIn);
  const marked = best ? [{ text: text.slice(best.from, best.to), as: 'best' } as const] : [];
  return [...before, ...marked, ...after];
}

/** Headings for themselves, other lines together; of the blank lines after a heading none. */
function linesIn(text: string): Part[] {
  const parts: Part[] = [];
  for (const line of text.split(/(?<=\n)/)) {
    const [mark] = HEADING.exec(line) ?? [];
    const last = parts.at(-1);
    if (mark !== undefined) parts.push({ text: line.slice(mark.length), as: 'heading' });
    else if (last?.as === 'heading' && !line.trim()) continue;
    else if (last?.as === 'plain') parts[parts.length - 1] = { ...last, text: last.text + line };
    else if (line) parts.push({ text: line, as: 'plain' });
  }
  return parts;
}
