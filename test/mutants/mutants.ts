/**
 * `npm run -s mutants`: a test of the tests. Each mutant is a small change of the source, kept as a patch, with
 * which the test that docs/threats.md names beside it must fail by its own assertion. Words after `--` choose mutants
 * by name, by a part of their threat's title, or by a part of their test's path. Ends with `survived 0 of N`.
 */
import { createCompiler } from './compiler.ts';
import { createCopy, type Copy } from './copy.ts';
import { readPatch } from './patch.ts';
import { buildPage, isEndToEnd, runTests } from './run-tests.ts';
import { readThreats, type Mutant, type NamedTest } from './threats.ts';
import { invalid, judge, type Verdict } from './verdict.ts';

const copies: Copy[] = [];
process.on('exit', () => copies.forEach((copy) => copy.remove()));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(2));

/** What is read while mutants live in the other copies: somebody may go on working in the tree. */
const source = newCopy().root;
const words = process.argv.slice(2).map((word) => word.toLowerCase());
const mutants = readThreats(source)
  .flatMap((threat) => threat.mutants)
  .filter((mutant) => !words.length || words.some((word) => isCalled(mutant, word)));
const units = mutants.filter(({ test }) => !isEndToEnd(test.file));
const pages = mutants.filter(({ test }) => isEndToEnd(test.file));

/** Tests that do not pass as the source is, with what is wrong: they show nothing. */
const broken = new Map<string, string>();
const keyOf = ({ file, name }: NamedTest): string => `${file} › ${name}`;
const verdicts: Verdict[] = [];

if (!mutants.length) {
  console.error('mutants: the words choose none');
  process.exit(2);
}
process.exitCode = (await runAll()) ? 0 : 1;

function newCopy(): Copy {
  const copy = createCopy(process.cwd());
  copies.push(copy);
  return copy;
}

/**
 * Two at a time, on two cores; what takes longest, in a browser, comes first. True when every mutant was killed.
 */
async function runAll(): Promise<boolean> {
  const lanes = [newCopy(), newCopy()];
  const errorsOf = createCompiler(source);
  if (pages.length) await Promise.all(lanes.map(({ root }) => buildFirst(root)));
  for (const some of [pages, units]) {
    await each(lanes, filesOf(some), checkFile);
    await each(lanes, some, (copy, mutant) => tryMutant(copy, mutant, errorsOf));
  }

  const count = (is: Verdict['is']): number =>
    verdicts.filter((verdict) => verdict.is === is).length;
  if (count('invalid')) console.log(`invalid ${count('invalid')} of ${mutants.length}`);
  console.log(`survived ${count('survived')} of ${mutants.length}`);
  return count('killed') === mutants.length;
}

async function buildFirst(root: string): Promise<void> {
  const failure = await buildPage(root);
  if (failure !== undefined) throw new Error(`the page is not built:\n${failure}`);
}

function isCalled({ name, threat, test }: Mutant, word: string): boolean {
  return name === word || test.file.includes(word) || threat.toLowerCase().includes(word);
}

function filesOf(some: readonly Mutant[]): string[] {
  return [...new Set(some.map(({ test }) => test.file))];
}

/** Acts on all items, as many at once as there are copies. */
async function each<T>(
  lanes: readonly Copy[],
  items: readonly T[],
  act: (copy: Copy, item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    lanes.map(async (copy) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift())
        await act(copy, item);
    }),
  );
}

/** Tests must pass as the source is, or their failure says nothing of a mutant. */
async function checkFile(copy: Copy, file: string): Promise<void> {
  const names = [
    ...new Set(mutants.filter(({ test }) => test.file === file).map(({ test }) => test.name)),
  ];
  const startedMs = performance.now();
  const ran = await runTests(copy.root, file, names);
  for (const name of names) {
    const verdict = judge(ran, name);
    if (verdict.is === 'survived') continue;
    const failed = ran.cases.find(({ state }) => state === 'failed');
    const why = verdict.is === 'invalid' ? verdict.why : failed?.error;
    broken.set(keyOf({ file, name }), `without the mutant: ${why}`);
  }
  console.log(`as it is: ${names.length} tests of ${file} (${secondsSince(startedMs)} s)`);
}

async function tryMutant(
  copy: Copy,
  mutant: Mutant,
  errorsOf: ReturnType<typeof createCompiler>,
): Promise<void> {
  const startedMs = performance.now();
  const verdict = await verdictOn(copy, mutant, errorsOf).catch((e: Error) => invalid(e.message));
  verdicts.push(verdict);
  const said = verdict.is === 'killed' ? 'killed  ' : verdict.is.toUpperCase();
  console.log(
    `${said} ${mutant.name}: ${keyOf(mutant.test)} (${secondsSince(startedMs)} s; ${mutant.threat})`,
  );
  if (verdict.is === 'invalid') console.log(`  ${verdict.why.replaceAll('\n', '\n  ')}`);
}

async function verdictOn(
  copy: Copy,
  { name, test }: Mutant,
  errorsOf: ReturnType<typeof createCompiler>,
): Promise<Verdict> {
  const failsAnyway = broken.get(keyOf(test));
  if (failsAnyway !== undefined) return invalid(failsAnyway);
  const patch = readPatch(source, name);
  const errors = errorsOf(patch);
  if (errors.length) return invalid(`it does not compile: ${errors.join('; ')}`);

  return copy.during(patch, async () => {
    const failure = isEndToEnd(test.file) ? await buildPage(copy.root) : undefined;
    if (failure !== undefined) return invalid(`it is not built: ${failure}`);
    return judge(await runTests(copy.root, test.file, [test.name]), test.name);
  });
}

function secondsSince(ms: number): string {
  return ((performance.now() - ms) / 1000).toFixed(0);
}
