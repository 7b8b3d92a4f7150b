/** What is installed is what was looked at: exact versions, their hashes, and our own stand-ins. And what travels. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const EXACT = /^(npm:[@\w./-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly overrides?: Record<string, string>;
}
interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;

describe.each([
  ['the project', '.', 'stub/'],
  ['what bench compares with', 'bench/transformers', ''],
  ['whose clients are tried', 'test/openai', ''],
  ['an empty program for the package', 'test/package/program', ''],
  ['an empty page for it', 'test/package/page', ''],
  ['what its reference is made with', 'test/package/docs', ''],
])('%s', (_, folder, stubs) => {
  const manifest = readJson<Manifest>(`${folder}/package.json`);
  const { packages } = readJson<{ packages: Record<string, Locked> }>(
    `${folder}/package-lock.json`,
  );
  const asked = { ...manifest.dependencies, ...manifest.devDependencies };

  it('asks for exact versions, and for stand-ins of its own', () => {
    const others = Object.entries(asked).filter(
      ([, version]) => !EXACT.test(version) && !version.startsWith(`file:./${stubs}`),
    );
    expect(others).toEqual([]);
  });

  it('replaces a package everywhere by what it names itself', () => {
    // A path in `overrides` is read from the folder of whoever asks for the package, which is another's.
    const others = Object.entries(manifest.overrides ?? {}).filter(
      ([name, version]) => version !== `$${name}` && !EXACT.test(version),
    );
    expect(others).toEqual([]);
    const own = Object.keys(asked).filter((name) => asked[name]!.startsWith('file:'));
    expect(Object.keys(manifest.overrides ?? {})).toEqual(expect.arrayContaining(own));
  });

  it('is locked: an exact version, from the registry, by its SHA-512, or one of the stand-ins', () => {
    const wrong = Object.entries(packages).filter(
      ([path, { version, resolved, integrity, link }]) => {
        if (path === '') return false;
        if (link) return !resolved?.startsWith(stubs) || resolved.includes('node_modules');
        if (!path.startsWith('node_modules/')) return !path.startsWith(stubs);
        const isWhole = /^sha512-[\w+/]{86}==$/.test(integrity ?? '') && /^\d/.test(version ?? '');
        // npm may leave the registry's address out; another place would be named.
        return !isWhole || (resolved && !resolved.startsWith('https://registry.npmjs.org/'));
      },
    );
    expect(wrong).toEqual([]);
    expect(Object.keys(packages).length).toBeGreaterThan(1);
  });
});

describe('what lies in node_modules', () => {
  /** Links to packages, from the root: those of commands aside. */
  function linksIn(folder: string): string[] {
    return readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      if (name.startsWith('.')) return [];
      if (lstatSync(path).isSymbolicLink()) return [path];
      return name.startsWith('@') ? linksIn(path) : [];
    });
  }

  it('is a link only to a stand-in of ours, and none leads nowhere', () => {
    const stubs = readdirSync(join(root, 'stub'))
      .map((name) => realpathSync(join(root, 'stub', name)))
      .sort();
    // Not realpath: a link that leads nowhere must be named by where it leads.
    const targets = linksIn(join(root, 'node_modules')).map((path) =>
      resolve(path, '..', readlinkSync(path)),
    );
    expect(targets.map((path) => path.replace(/^.*\/stub\//, '')).sort()).toEqual(
      stubs.map((path) => path.replace(/^.*\/stub\//, '')),
    );
    for (const target of targets) expect(realpathSync(target)).toMatch(/\/stub\/[\w-]+$/);
  });

  it('runs scripts of these five packages alone when it is installed', () => {
    const { packages } = readJson<{ packages: Record<string, Locked> }>('package-lock.json');
    const running = Object.keys(packages).filter((path) => packages[path]!.hasInstallScript);
    expect(running.map((path) => path.replaceAll('node_modules/', ''))).toEqual([
      'classic-level',
      'esbuild',
      'node',
      'onnxruntime-web/protobufjs',
      'webgpu',
    ]);
  });
});

describe('what travels', () => {
  /** Every clone takes it all, for ever: what is committed once stays. */
  const PACK_BYTES_MAX = 60 * 1024 ** 2;
  const isCheckout = existsSync(join(root, '.git'));
  const sh = (command: string): string =>
    execFileSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' });

  it.skipIf(!isCheckout)('is a repository of at most 60 MB', () => {
    const pack = 'git rev-list --objects HEAD | git pack-objects -q --stdout --delta-base-offset';
    const bytes = Number(sh(`${pack} | wc -c`));
    expect(bytes).toBeGreaterThan(1024 ** 2);
    expect(bytes).toBeLessThanOrEqual(PACK_BYTES_MAX);
  });

  it('is a package of npm without a model', { timeout: 60_000 }, () => {
    // One list, or one entry by name: what npm prints depends on its version.
    const printed = JSON.parse(sh('npm pack --dry-run --json --ignore-scripts')) as Record<
      string,
      { files: { path: string }[] }
    >;
    const { files } = Object.values(printed)[0]!;
    const paths = files.map(({ path }) => path);
    expect(paths).toContain('models/tiny/manifest.json');
    expect(paths.filter((path) => /^models\/.*\.(bin|onnx|safetensors)$/.test(path))).toEqual([]);
  });
});
