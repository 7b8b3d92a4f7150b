/** The texts in a table, each with the way to it. */
type Tree = { readonly [key: string]: unknown };
const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null;

export const leavesOf = (tree: Tree, path = ''): [string, unknown][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? leavesOf(value, `${path}${key}.`) : [[`${path}${key}`, value]],
  );
