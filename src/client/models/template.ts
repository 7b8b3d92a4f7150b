/**
 * A chat's template (Jinja) of a package, which is a stranger's program: it is run in the tokens' thread, by the kept
 * library's interpreter with each of its steps counted and each of its values measured. It knows no time of day; what
 * may differ from device to device is in docs/generation.md.
 */
import type { Interpreter } from '@huggingface/jinja';
import { AppError } from '../../lib/errors.ts';

/** Steps of one run, and entries of what they give: 256 messages, all looked at twice for each, make 400,000. */
const WORK_MAX = 2 ** 21;
/** Characters of one value, the text that comes out among them: four times a longest conversation. */
const VALUE_CHARS_MAX = 2 ** 18;
/** Entries of one value: the messages have three each. */
const VALUE_ENTRIES_MAX = 2 ** 13;
const VALUE_DEPTH_MAX = 64;
/** Of a constant that a filter multiplies a text's length by. */
const FACTOR_MAX = 64;

export interface ChatTemplate {
  /** @throws AppError MODEL_REFUSED where the template fails or breaks a bound */
  render(values: Readonly<Record<string, unknown>>): string;
}

type Value = ReturnType<Interpreter['evaluate']>;
type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

const refused = (why: string, cause?: unknown): AppError =>
  new AppError('MODEL_REFUSED', `the chat's template ${why}`, { cause });

/** @throws AppError MODEL_REFUSED */
export async function openTemplate(template: string): Promise<ChatTemplate> {
  const { Environment, Interpreter, parse, tokenize } = await import('@huggingface/jinja');

  class Bounded extends Interpreter {
    #work = 0;

    override evaluate(...[node, environment]: Parameters<Interpreter['evaluate']>): Value {
      const value = super.evaluate(node, environment);
      // By a name that is computed a filter is reached that `requireModest` has not seen.
      if (value.type === 'FunctionValue' && (node as unknown as Node).computed)
        throw refused('computes the name of a function');
      this.#work += entriesOf(value);
      if (this.#work > WORK_MAX) throw refused(`takes over ${WORK_MAX} steps`);
      return value;
    }
  }

  const guarded = <T>(run: () => T): T => {
    try {
      return run();
    } catch (e) {
      if (e instanceof AppError) throw e;
      // Syntax, what it raises itself, too deep a recursion, too long a string.
      throw refused(`fails: ${e instanceof Error ? e.message.slice(0, 200) : String(e)}`, e);
    }
  };
  const program = guarded(() => {
    const parsed = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    requireModest(parsed as unknown as Node, undefined);
    return parsed;
  });

  return {
    render: (values) =>
      guarded(() => {
        const environment = new Environment();
        for (const [name, value] of Object.entries({ ...GLOBALS, ...values }))
          environment.set(name, value);
        return new Bounded(environment).run(program).toString();
      }),
  };
}

/** As the library's own, but for the time of day, and with a bound on `range`. */
const GLOBALS = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception(why: unknown): never {
    throw refused(`refuses the conversation: ${String(why).slice(0, 200)}`);
  },
  range(...given: unknown[]): number[] {
    const [from, to, step = 1] = given.length === 1 ? [0, given[0]] : given;
    if (![from, to, step].every(Number.isSafeInteger) || step === 0)
      throw refused('has a range of no whole numbers');
    const [first, last, by] = [from, to, step] as [number, number, number];
    const length = Math.max(0, Math.ceil((last - first) / by));
    if (length > VALUE_ENTRIES_MAX) throw refused(`has a range of ${length}`);
    return Array.from({ length }, (_, i) => first + i * by);
  },
};

/**
 * Entries of a value with all that it holds; what holds itself, or holds one thing many times, counts each time.
 * @throws AppError MODEL_REFUSED over a bound
 */
function entriesOf(value: Value): number {
  let [entries, chars] = [0, 0];
  const open: (readonly [of: Value, depth: number])[] = [[value, 0]];
  for (let at = open.pop(); at; at = open.pop()) {
    const [{ value: held }, depth] = at;
    entries++;
    if (typeof held === 'string') chars += held.length;
    const names: string[] = held instanceof Map ? [...(held.keys() as Iterable<string>)] : [];
    for (const name of names) chars += name.length;
    const inner: Value[] =
      held instanceof Map ? [...held.values()] : Array.isArray(held) ? held : [];
    if (entries + open.length + inner.length > VALUE_ENTRIES_MAX || chars > VALUE_CHARS_MAX)
      throw refused(
        `makes a value of over ${VALUE_CHARS_MAX} characters or ${VALUE_ENTRIES_MAX} entries`,
      );
    if (inner.length && depth === VALUE_DEPTH_MAX)
      throw refused(`makes a value of over ${VALUE_DEPTH_MAX} levels`);
    for (const each of inner) open.push([each, depth + 1]);
  }
  return entries;
}

/** Filters that may make a text longer by a factor, in one step that nothing can measure before. */
const GROWING: ReadonlySet<unknown> = new Set(['replace', 'indent', 'join', 'tojson']);
/** Named arguments of theirs that make nothing longer. */
const FLAGS: ReadonlySet<unknown> = new Set(['ensure_ascii', 'sort_keys', 'first', 'blank']);

/** Growing filters take short constants alone. @throws AppError MODEL_REFUSED */
function requireModest(node: Node, parent: Node | undefined): void {
  const name = growing(node);
  if (node.type === 'CallExpression' && name !== undefined) {
    if (!(node.args as Node[]).every(isShort))
      throw refused(`gives ${name} something else than short constants`);
  } else if (node.type === 'MemberExpression' && name !== undefined)
    if (parent?.type !== 'CallExpression' || parent.callee !== node)
      throw refused(`takes ${name} without a call`);
  for (const child of nodesIn(Object.values(node))) requireModest(child, node);
}

/** Name of the growing filter that a call calls or a member is. */
function growing(node: Node): string | undefined {
  if (node.type === 'CallExpression') return growing(node.callee as Node);
  const named = node.type === 'MemberExpression' && !node.computed ? node.property : node;
  const { type, value } = named as Node;
  return type === 'Identifier' && GROWING.has(value) ? String(value) : undefined;
}

function isShort(node: Node): boolean {
  const { type, value } = node;
  if (type === 'IntegerLiteral') return (value as number) <= FACTOR_MAX;
  if (type === 'StringLiteral') return (value as string).length <= FACTOR_MAX;
  if (type === 'TupleLiteral' || type === 'ArrayLiteral') return (value as Node[]).every(isShort);
  if (type !== 'KeywordArgumentExpression') return false;
  return FLAGS.has((node.key as Node).value) || isShort(value as Node);
}

function* nodesIn(values: Iterable<unknown>): Generator<Node> {
  for (const value of values)
    if (Array.isArray(value)) yield* nodesIn(value);
    else if (value instanceof Map) yield* nodesIn([...value.keys(), ...value.values()]);
    else if (typeof (value as Partial<Node> | null | undefined)?.type === 'string')
      yield value as Node;
}
