/**
 * Patterns of a tokenizer that could run for ever. A backtracking engine tries every way to divide a text among
 * repetitions, and there are exponentially many where one repeats inside another, or where two alternatives of a
 * repetition begin alike. Tokenizers need neither, so both are refused, harmless ones too.
 */
import { RegExpParser, visitRegExpAST, type AST } from '@eslint-community/regexpp';
import { openTokenizer, parseTokenizer } from '../src/client/models/tokeniser.ts';
import { AppError } from '../src/lib/errors.ts';

/** The pattern as it runs, and what is wrong with it. */
export interface SlowPattern {
  readonly pattern: string;
  readonly why: string;
}

/** Objects of a tokenizer that are looked through: some for each word and merge. */
const OBJECTS_MAX = 4_000_000;

/** The regular expressions that a tokenizer made of its file: what runs is not what stands there. */
export function patternsOf(tokenizer: object): RegExp[] {
  const seen = new Set<object>([tokenizer]);
  const found: RegExp[] = [];
  for (const at of seen) {
    if (at instanceof RegExp) found.push(at);
    if (seen.size > OBJECTS_MAX)
      throw new AppError('MODEL_REFUSED', 'a tokenizer of too many parts');
    // Words and their ids: no pattern is among them.
    if (at instanceof Map || ArrayBuffer.isView(at)) continue;
    for (const value of Object.values(at) as unknown[])
      if ((typeof value === 'object' && value !== null) || typeof value === 'function')
        seen.add(value);
  }
  return found;
}

/** The first reason why a pattern could run for ever; undefined: there is none. */
export function findSlow({ source, flags }: RegExp): SlowPattern | undefined {
  const { unicode, unicodeSets } = {
    unicode: flags.includes('u'),
    unicodeSets: flags.includes('v'),
  };
  const parsed = new RegExpParser({ ecmaVersion: 2025 }).parsePattern(source, 0, source.length, {
    unicode,
    unicodeSets,
  });
  const reasons: string[] = [];
  visitRegExpAST(parsed, {
    onQuantifierEnter(node) {
      const outer = repetitionAround(node);
      if (outer && node.min !== node.max) reasons.push(`${node.raw} is repeated by ${outer.raw}`);
    },
    onBackreferenceEnter(node) {
      const outer = repetitionAround(node);
      if (outer) reasons.push(`${node.raw} is repeated by ${outer.raw}`);
    },
    onGroupEnter: (node) => void reasons.push(...alike(node, flags)),
    onCapturingGroupEnter: (node) => void reasons.push(...alike(node, flags)),
  });
  const [why] = reasons;
  return why === undefined ? undefined : { pattern: source, why };
}

/** The nearest quantifier around a node that repeats it. */
function repetitionAround(node: AST.Node): AST.Quantifier | undefined {
  for (let at = node.parent; at; at = at.parent)
    if (at.type === 'Quantifier' && at.max > 1) return at;
  return undefined;
}

/** Two alternatives of a repeated group that some character begins both. */
function alike(group: AST.Group | AST.CapturingGroup, flags: string): string[] {
  if (group.alternatives.length < 2 || !repetitionAround(group)) return [];
  const begins = group.alternatives.map((alternative) => firstOf(alternative, flags));
  if (begins.includes(undefined)) return [`${group.raw}: an alternative begins with no character`];
  for (let point = 0; point <= 0x10ffff; point++) {
    const char = String.fromCodePoint(point);
    if (begins.filter((first) => first!.test(char)).length > 1)
      return [`${group.raw}: two alternatives begin with U+${point.toString(16).toUpperCase()}`];
  }
  return [];
}

/** What an alternative begins with, as a pattern of one character. */
function firstOf({ elements: [first] }: AST.Alternative, flags: string): RegExp | undefined {
  const types = ['Character', 'CharacterSet', 'CharacterClass'];
  if (!first || !types.includes(first.type)) return undefined;
  return new RegExp(`^(?:${first.raw})`, flags.replace(/[gy]/g, ''));
}

/** @param file of tokenizer.json @throws AppError MODEL_REFUSED, MODEL_CORRUPT */
export async function requireQuickPatterns(file: Uint8Array): Promise<void> {
  const tokenizer = await openTokenizer(parseTokenizer(file));
  for (const pattern of patternsOf(tokenizer)) {
    const slow = findSlow(pattern);
    if (slow)
      throw new AppError(
        'MODEL_REFUSED',
        `a pattern of tokenizer.json could run for ever: ${slow.pattern.slice(0, 200)} (${slow.why.slice(0, 200)})`,
      );
  }
}
