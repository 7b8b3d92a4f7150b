/** Bounds that every store keeps. Keys are ASCII: then all three order them alike. */

/** Entries of one `range` unless the caller asks for another number. */
export const RANGE_LIMIT = 10_000;
