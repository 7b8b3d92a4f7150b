/** Reads what Debian's files say: packages, translated descriptions, manual pages, WordNet's glosses. */
import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { textFromBytes } from '../../src/lib/text-file.ts';

/** What any of the files holds when unpacked, with room. */
const UNPACKED_BYTES_MAX = 2 ** 28;
const PAGE_CHARS_MAX = 40_000;
const BODY_CHARS_MAX = 1500;

/** Node.js has neither bzip2 nor xz; Python's standard library has both. */
const UNPACK =
  'import bz2, lzma, sys; ' +
  'sys.stdout.buffer.write({"bz2": bz2, "xz": lzma}[sys.argv[1]].decompress(sys.stdin.buffer.read()))';

/** @param name its ending says how it is packed: .bz2, .xz, .gz or not at all */
export function unpack(name: string, bytes: Uint8Array): Uint8Array {
  if (name.endsWith('.gz')) return gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  const kind = /\.(bz2|xz)$/.exec(name)?.[1];
  if (!kind) return bytes;
  const { status, stdout, stderr, error } = spawnSync('python3', ['-c', UNPACK, kind], {
    input: bytes,
    maxBuffer: UNPACKED_BYTES_MAX,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${name}: ${textFromBytes(stderr)}`);
  return stdout;
}

const plain = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const field = (bytes: Uint8Array, at: number, length: number): string =>
  plain(bytes.subarray(at, at + length)).replace(/[\0 ].*$/s, '');

/** The files of a .deb's data, path → contents. */
export function debFiles(deb: Uint8Array): Map<string, Uint8Array> {
  for (let at = 8; at + 60 <= deb.length;) {
    const name = field(deb, at, 16).replace(/\/$/, '');
    const size = Number(field(deb, at + 48, 10));
    if (name.startsWith('data.tar'))
      return tarFiles(unpack(name, deb.subarray(at + 60, at + 60 + size)));
    at += 60 + size + (size % 2);
  }
  throw new Error('a package without data');
}

function tarFiles(tar: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let long: string | undefined;
  for (let at = 0; at + 512 <= tar.length && tar[at];) {
    const size = parseInt(field(tar, at + 124, 12), 8);
    const contents = tar.subarray(at + 512, at + 512 + size);
    const parts = [field(tar, at + 345, 155), field(tar, at, 100)];
    const path = long ?? parts.filter(Boolean).join('/');
    const kind = String.fromCharCode(tar[at + 156]!);
    // 'L' holds the path of the next one, '0' is a file; links and folders are left out.
    long = kind === 'L' ? field(contents, 0, size) : undefined;
    if (kind === '0') files.set(path.replace(/^\.\//, ''), contents);
    at += 512 + 512 * Math.ceil(size / 512);
  }
  return files;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

export interface Described {
  readonly short: string;
  readonly long: string;
}

/** Descriptions of packages in one language, in the file's order. */
export function descriptions(lang: string, file: string): Described[] {
  const found = new Map<string, Described>();
  const form = new RegExp(`^Description-${lang}: (.*)\\n((?: .*\\n?)*)`, 'm');
  for (const block of file.split('\n\n')) {
    const name = /^Package: (.*)$/m.exec(block)?.[1];
    const [, short, body] = form.exec(block) ?? [];
    if (name === undefined || short === undefined || body === undefined) continue;
    const lines = body.split('\n').map((line) => line.trim());
    const long = oneLine(lines.filter((line) => line && line !== '.').join(' '));
    found.set(name, { short: short.trim(), long });
  }
  return [...found.values()];
}

/** Text of a manual page's section without its markup. */
const unmarked = (text: string): string =>
  oneLine(
    text
      .replace(/^\.\\".*$/gm, '')
      .replace(/^\.(B|I|BR|IR|RB|RI|BI|IB|SM)\s+/gm, '')
      .replace(/^[.'].*$/gm, ' ')
      .replace(/\\f(?:\(..|.)|\\s[-+]?\d|\\&|\\%|\\\/|\\,/g, '')
      .replace(/\\-|\\\(em/g, '-')
      .replace(/\\e/g, '\\')
      .replace(/\\\(..|\\\*\(..|\\\[.*?\]/g, '')
      .replaceAll('"', ''),
  );

/** What a manual page is for, and how it begins; undefined for links and other macros. */
export function manual(page: string): Described | undefined {
  const text = page.slice(0, PAGE_CHARS_MAX);
  if (text.includes('.Sh ') || text.slice(0, 200).includes('.so ')) return undefined;
  const parts = text.split(/^\.SH\s+"?(.*?)"?\s*$/m);
  const section = (name: string): string | undefined => {
    const at = parts.findIndex((part, i) => i % 2 === 1 && part.trim().toUpperCase() === name);
    return at < 0 ? undefined : unmarked(parts[at + 1]!);
  };
  const short = /.+?\s+-+\s+(.+)/.exec(section('NAME') ?? '')?.[1];
  const long = section('DESCRIPTION')?.slice(0, BODY_CHARS_MAX);
  return short === undefined || long === undefined ? undefined : { short, long };
}

/** Manual pages of a package, by path. */
export function manuals(deb: Uint8Array): Described[] {
  const pages = [...debFiles(deb)].filter(([path]) => /\/man\/man\d\/.*\.gz$/.test(path));
  return pages
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, bytes]) => manual(plain(unpack(path, bytes))) ?? []);
}

export interface Gloss {
  readonly gloss: string;
  readonly words: string;
}

/** WordNet's meanings and the words that have them. */
export function glosses(deb: Uint8Array): Gloss[] {
  const files = debFiles(deb);
  return ['noun', 'verb', 'adj', 'adv'].flatMap((part) =>
    plain(files.get(`usr/share/wordnet/data.${part}`)!)
      .split('\n')
      .filter((line) => line && !line.startsWith('  '))
      .map((line): Gloss => {
        const [head = '', ...rest] = line.split('|');
        const fields = head.trim().split(/\s+/);
        const words = Array.from({ length: parseInt(fields[3]!, 16) }, (_, i) =>
          fields[4 + 2 * i]!.replaceAll('_', ' ').replace(/\(.*$/, ''),
        );
        return { gloss: rest.join('|').split(';')[0]!.trim(), words: words.join(', ') };
      }),
  );
}
