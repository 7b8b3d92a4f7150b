/**
 * Trusted Types: the page's one policy lets only our own origin's worker and script addresses
 * through, and no HTML and no script text at all.
 */
type Policy = { createScriptURL(url: string): string };
type Factory = { createPolicy(name: string, policy: Policy): unknown };

/** The address itself when it is of this origin. @throws TypeError */
export function sameOrigin(url: string, base: string): string {
  const address = new URL(url, base);
  if (address.origin !== new URL(base).origin) throw new TypeError(`not our script: ${url}`);
  return url;
}

/** Once, before any worker. Does nothing where the browser has no Trusted Types. */
export function installPolicy(): void {
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
  factory?.createPolicy('default', { createScriptURL: (url) => sameOrigin(url, document.baseURI) });
}
