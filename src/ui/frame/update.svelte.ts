/** A new version waits until the person says so, and until the unit in work is finished. */
import type { Workbox } from 'workbox-window';

const CHECK_MS = 3_600_000;

export class Update {
  ready = $state(false);
  #registered = false;
  #workbox: Workbox | undefined;

  /** Registers the service worker, once. */
  async register(address: string): Promise<void> {
    if (this.#registered || !('serviceWorker' in navigator)) return;
    this.#registered = true;
    const { Workbox } = await import('workbox-window');
    const workbox = new Workbox(address);
    this.#workbox = workbox;
    workbox.addEventListener('waiting', () => (this.ready = true));
    workbox.addEventListener('controlling', () => {
      // Not at the first visit's claim: only a version that waited replaces the page.
      if (this.ready) location.reload();
      // What came before there was a service worker to keep it: without it nothing opens offline.
      else void fetch('config.json').catch(() => undefined);
    });
    await workbox.register().catch(() => undefined);
    setInterval(() => navigator.onLine && void workbox.update().catch(() => undefined), CHECK_MS);
  }

  apply(): void {
    this.#workbox?.messageSkipWaiting();
  }
}
