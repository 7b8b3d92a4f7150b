export function buildArithmetic(): Promise<string>;
