/** A new version waits until the person says so, and until the unit in work is finished. */
import type { Workbox } from 'workbox-window';

const CHECK_MS = 3_600_000;

export class Update {
  ready = $state(false);
  #workbox: Workbox | undefined;

  /** Registers the service worker, once the page has nothing better to do. */
  async register(address: string): Promise<void> {
    if (!('serviceWorker' in navigator)) return;
    const { Workbox } = await import('workbox-window');
    const workbox = new Workbox(address);
    this.#workbox = workbox;
    workbox.addEventListener('waiting', () => (this.ready = true));
    // Not at the first visit's claim: only a version that was asked for replaces the page.
    workbox.addEventListener('controlling', (event) => {
      if (event.isUpdate && this.ready) location.reload();
    });
    await workbox.register().catch(() => undefined);
    setInterval(() => navigator.onLine && void workbox.update().catch(() => undefined), CHECK_MS);
  }

  apply(): void {
    this.#workbox?.messageSkipWaiting();
  }
}
