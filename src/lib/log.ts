/**
 * Log lines: time, level, event, fields. Fields are plain values that the caller names one by one; objects
 * and bytes do not compile, so that no key or passphrase gets into the log inside a larger object.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log, with these fields in every line. */
  with(fields: LogFields): Log;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Characters of one value: peers choose some of the values. */
const VALUE_CHARS_MAX = 256;

/** One line per event goes to `sink`; events below `level` are dropped. `now` gives ms since 1970. */
export function createLog(
  sink: (line: string, level: LogLevel) => void,
  level: LogLevel = 'info',
  now: () => number = Date.now,
  fixed: LogFields = {},
): Log {
  const write = (at: LogLevel) => (event: string, fields?: LogFields) => {
    if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return;
    sink(formatLine(now(), at, event, { ...fixed, ...fields }), at);
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => createLog(sink, level, now, { ...fixed, ...fields }),
  };
}

/** A log that writes nothing. */
export const silentLog: Log = createLog(() => undefined);

/** `2026-01-31T10:00:00.000Z warn peer.banned id=12D3 reason="bad proof"`: never more than one line. */
export function formatLine(timeMs: number, level: LogLevel, event: string, fields: LogFields) {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined);
  const head = [new Date(timeMs).toISOString(), level, formatValue(event)];
  return [...head, ...shown.map(([k, v]) => `${formatValue(k)}=${formatValue(String(v))}`)].join(
    ' ',
  );
}

function formatValue(text: string): string {
  const short = text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
  if (/^[\w.:/+…-]+$/.test(short)) return short;
  // JSON does not escape C1 controls and line separators, which terminals may act on.
  return JSON.stringify(short).replace(/[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, escapeChar);
}
const escapeChar = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
