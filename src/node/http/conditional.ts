/** Conditional and partial requests for files, where sirv reads less of a header than HTTP says. */
import type { Stats } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** Thrown where a caller has the file already. */
export class Unchanged extends Error {}

/** A file's ETag without its `W/`, as sirv makes it. */
const tagOf = ({ size, mtime }: Stats): string => `"${size}-${mtime.getTime()}"`;

/** @throws Unchanged when If-None-Match names this version of the file in a list, or any by `*` */
export function requireChanged(response: ServerResponse, stats: Stats): void {
  const known = (response.req.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim());
  if (!known.some((tag) => tag === '*' || tag.replace(/^W\//, '') === tagOf(stats))) return;
  response.setHeader('etag', `W/${tagOf(stats)}`);
  throw new Unchanged();
}

/**
 * Leaves only a range that sirv reads as HTTP means it: one, from a byte to a later one or to the end. HTTP lets a
 * server answer any other with the whole file, and one that depends on a version (If-Range) too.
 */
export function keepPlainRange(headers: IncomingHttpHeaders): void {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{0,15})$/i.exec(headers.range ?? '') ?? [];
  const isPlain = from !== undefined && (to === '' || Number(from) < Number(to));
  if (!isPlain || headers['if-range'] !== undefined) delete headers.range;
  else headers.range = `bytes=${from}-${to}`;
}
