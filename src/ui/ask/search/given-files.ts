/** Files that a person chose or dropped, folders gone through; what is in a folder counts only where its name says text. */
import { DOCUMENTS_MAX } from '../../../client/texts-index/bounds.ts';
import { TEXT_NAMES } from '../../../client/texts-index/read-text.ts';

export interface GivenFile {
  /** With the folders that it lies in. */
  readonly name: string;
  readonly file: () => Promise<File>;
}

export interface Given {
  readonly files: readonly GivenFile[];
  /** Files of folders that are no texts by their names, or too many. */
  readonly skipped: number;
}

/** Folders in folders that are gone into. */
const DEPTH_MAX = 16;
/** Entries of folders that are looked at: a folder of programs may have a million. */
const ENTRIES_MAX = 50_000;

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));
const isText = (path: string): boolean => TEXT_NAMES.test(path) && !isHidden(path);

/** Of a field for files; where it took a folder, files know their paths. */
export function givenByField(list: FileList): Given {
  const all = Array.from(list);
  const wanted = all.filter((file) => !file.webkitRelativePath || isText(file.webkitRelativePath));
  const files = wanted.slice(0, DOCUMENTS_MAX).map((file) => ({
    name: file.webkitRelativePath || file.name,
    file: async () => file,
  }));
  return { files, skipped: all.length - files.length };
}

/** Of a drop. It is read in the turn of the event: afterwards it is empty. */
export function givenByDrop(transfer: DataTransfer): Promise<Given> {
  const entries = Array.from(transfer.items).flatMap((item) => item.webkitGetAsEntry() ?? []);
  return goThrough(entries);
}

async function goThrough(roots: readonly FileSystemEntry[]): Promise<Given> {
  const files: GivenFile[] = [];
  let skipped = 0;
  let looked = 0;
  const visit = async (entry: FileSystemEntry, depth: number): Promise<void> => {
    if (++looked > ENTRIES_MAX || depth > DEPTH_MAX) return void skipped++;
    const name = entry.fullPath.replace(/^\//, '');
    if (isDirectory(entry)) {
      if (depth && isHidden(name)) return;
      // One that can't be read, or has gone, keeps no other out.
      try {
        for await (const one of entriesOf(entry)) await visit(one, depth + 1);
      } catch {
        skipped++;
      }
    } else if (files.length >= DOCUMENTS_MAX || (depth && !isText(name))) skipped++;
    else if (isFile(entry))
      files.push({ name, file: () => new Promise((done, fail) => entry.file(done, fail)) });
  };
  for (const root of roots) await visit(root, 0);
  return { files, skipped };
}

const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry =>
  entry.isDirectory;
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;

/** A reader gives some hundred at a time, and none at the end. */
async function* entriesOf(folder: FileSystemDirectoryEntry): AsyncGenerator<FileSystemEntry> {
  const reader = folder.createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, fail) =>
      reader.readEntries(done, fail),
    );
    if (!some.length) return;
    yield* some;
  }
}
