/** Files that were chosen or dropped, and what was found as files. */
import { expect, test } from 'vitest';
import { givenByDrop } from '../../../src/ui/ask/search/given-files.ts';
import { foundCsv, foundJson, textsJson } from '../../../src/ui/ask/search/export-texts.ts';

type Tree = { readonly [name: string]: Tree | string };

/** As browsers give a drop: a reader of a folder tells two entries at a time, and none at the end. */
function entryOf(path: string, of: Tree | string): FileSystemEntry {
  const isFile = typeof of === 'string';
  const file = (done: (file: File) => void) => done(new File([of as string], path));
  const createReader = () => {
    const left = Object.entries(of as Tree);
    const readEntries = (done: (entries: FileSystemEntry[]) => void) =>
      done(left.splice(0, 2).map(([name, inner]) => entryOf(`${path}/${name}`, inner)));
    return { readEntries };
  };
  return { isFile, isDirectory: !isFile, fullPath: path, file, createReader } as never;
}
const drop = (tree: Tree) =>
  givenByDrop({
    items: Object.entries(tree).map(([name, of]) => ({
      webkitGetAsEntry: () => entryOf(`/${name}`, of),
    })),
  } as never);

test('a folder is gone through: texts by their names, none that is hidden; a file by itself is tried', async () => {
  const { files, skipped } = await drop({
    notes: {
      'a.md': 'A',
      b: { 'c.txt': 'C', 'd.png': 'D' },
      '.git': { 'e.txt': 'E' },
      'f.MD': 'F',
    },
    'unknown.xyz': 'U',
  });
  expect(files.map(({ name }) => name)).toEqual([
    'notes/a.md',
    'notes/b/c.txt',
    'notes/f.MD',
    'unknown.xyz',
  ]);
  expect(skipped).toBe(1);
  expect(await (await files[1]!.file()).text()).toBe('C');
});

test('a folder that can not be read keeps no other out', async () => {
  const gone = () => ({
    readEntries: (_done: unknown, fail: (e: DOMException) => void) =>
      fail(new DOMException('gone', 'NotFoundError')),
  });
  const items = [
    { ...entryOf('/gone', {}), createReader: gone },
    entryOf('/notes', { 'a.md': 'A' }),
  ].map((entry) => ({ webkitGetAsEntry: () => entry }));
  const { files, skipped } = await givenByDrop({ items } as never);
  expect([files.map(({ name }) => name), skipped]).toEqual([['notes/a.md'], 1]);
});

test('folders in folders end at some depth', async () => {
  let deep: Tree = { 'a.txt': 'A' };
  for (let i = 0; i < 40; i++) deep = { deeper: deep };
  expect(await drop({ top: deep })).toEqual({ files: [], skipped: 1 });
});

const hit = {
  document: '1',
  name: '=cmd.txt',
  at: 2,
  passage: { from: 10, to: 30 },
  text: '=HYPERLINK("x") says; "so"',
  cosine: 0.5,
};

test('what was found is a table without formulas, and JSON with its places', () => {
  const titles = ['text', 'passage', 'likeness', 'what it says'];
  expect(foundCsv(titles, [hit], 'en')).toBe(
    '\ufefftext,passage,likeness,what it says\r\n' +
      `'=cmd.txt,3,0.5,"'=HYPERLINK(""x"") says; ""so"""\r\n`,
  );
  const found = JSON.parse(foundJson('so', 'minilm', [hit])) as unknown;
  expect(found).toEqual({
    query: 'so',
    model: 'minilm',
    passages: [{ text: '=cmd.txt', passage: 3, from: 10, to: 30, cosine: 0.5, said: hit.text }],
  });
  const { name, passage, text } = hit;
  expect(JSON.parse(textsJson('minilm', [{ name, passages: [{ passage, text }] }]))).toEqual({
    model: 'minilm',
    texts: [{ text: name, passages: [{ from: 10, to: 30, said: text }] }],
  });
});
