/** Calls of UnattendedApi that may wait for the vault at once: a signature or two for each channel in use. */
export const UNATTENDED_CALLS_MAX = 256;
