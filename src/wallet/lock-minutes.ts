/** Minutes without a use after which a protected vault locks: what a person may choose, and what holds until then. */
export const LOCK_MINUTES = [1, 5, 15, 60] as const;
export const LOCK_MINUTES_FIRST = 5;
