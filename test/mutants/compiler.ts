/** A mutant must compile: what the compilers say of the files that a patch changes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from 'svelte/compiler';
import ts from 'typescript';
import { patched, type FilePatch } from './patch.ts';

/** A mutant often leaves a name that nothing uses any longer: that is a matter of style. */
const UNUSED = [6133, 6138, 6192, 6196, 6198, 6199];

/** @returns what compilers say of a patched file and not of the file as it is */
export function createCompiler(root: string): (patch: readonly FilePatch[]) => string[] {
  /** Text by path, in place of what is on disk, and how often that changed. */
  const overlay = new Map<string, string>();
  const versions = new Map<string, number>();
  const change = (path: string, text: string | undefined): void => {
    if (text === undefined) overlay.delete(path);
    else overlay.set(path, text);
    versions.set(path, (versions.get(path) ?? 0) + 1);
  };
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const readFile = (path: string): string | undefined => overlay.get(path) ?? ts.sys.readFile(path);
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => fileNames,
    getScriptVersion: (path) => String(versions.get(path) ?? 0),
    getScriptSnapshot: (path) => {
      const text = readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });

  /** Without lines: a patch moves them. */
  const typeErrors = (path: string): string[] =>
    [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)]
      .filter(({ code }) => !UNUSED.includes(code))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));

  function newErrors(each: FilePatch): string[] {
    const path = join(root, each.file);
    const text = patched(readFileSync(path, 'utf8'), each);
    if (!each.file.endsWith('.ts')) return otherErrors(each.file, text);

    const before = typeErrors(path);
    change(path, text);
    try {
      return typeErrors(path).filter((error) => !before.includes(error));
    } finally {
      change(path, undefined);
    }
  }
  return (patch) => patch.flatMap((each) => newErrors(each).map((e) => `${each.file}: ${e}`));
}

function otherErrors(file: string, text: string): string[] {
  try {
    if (file.endsWith('.svelte')) compile(text, { filename: file });
    else if (file.endsWith('.json')) JSON.parse(text);
    return [];
  } catch (e) {
    return [(e as Error).message];
  }
}
