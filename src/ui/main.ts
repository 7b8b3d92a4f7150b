/**
 * The page: refuses frames, goes on erasing where that was begun, else shows the app. Workers start
 * later, at what a person does.
 */
import { mount } from 'svelte';
import App from './App.svelte';
import Framed from './frame/Framed.svelte';
import { lookAtBrowser } from './work/conditions.ts';
import { consentOf } from './work/line.ts';
import { followWipe, isMarked } from './settings/device/wipe.ts';
import { lazyEngine, loadConfig } from './engine.ts';
import { openClient, openVault, passphrases } from './page.ts';
import { LOADERS } from './i18n/texts.svelte.ts';
import { Preferences } from './preferences.svelte.ts';
import { Session } from './session.svelte.ts';
import { followLaunches, type LaunchQueue } from './launches.ts';
import { placeOfShare } from './shared-link.ts';
import { installPolicy } from './trusted.ts';
import './style.css';

installPolicy();
const target = document.getElementById('app')!;
const storage = browserStorage('localStorage');
const preferences = new Preferences(navigator.languages, storage);
// Another tab erases everything: this one must not hold it open.
addEventListener('storage', (event) => followWipe(event, sessionStorage));
if (window.top !== window.self) mount(Framed, { target, props: { preferences } });
else if (isMarked(storage, browserStorage('sessionStorage'))) void showWiping();
else {
  const loaded = location.href;
  const shared = placeOfShare(location.search);
  if (shared) history.replaceState(null, '', `${location.pathname}${shared}`);
  const engine = lazyEngine(openClient, openVault, passphrases);
  const session = new Session(engine, loadConfig, storage);
  mount(App, { target, props: { session, preferences } });
  void lookAtBrowser().then((facts) => (session.browser = facts));
  const takeUp = () => {
    const { goesOn, model, fetches } = preferences;
    return session.takeUp(goesOn, { model, others: consentOf(fetches) });
  };
  void session.open().then(takeUp);
  // Out of the browser's cache it is as after a reload.
  addEventListener('pageshow', ({ persisted }) => persisted && void takeUp());
  const { launchQueue } = window as { launchQueue?: LaunchQueue };
  followLaunches(launchQueue, loaded, (place) => (location.hash = place));
  document.addEventListener('visibilitychange', () => session.hide(document.hidden));
}

async function showWiping(): Promise<void> {
  const { language } = preferences;
  const [{ default: Wiping }, texts] = await Promise.all([
    import('./settings/device/Wiping.svelte'),
    LOADERS[language](),
  ]);
  mount(Wiping, { target, props: { language, t: texts.device.erase } });
}

/** Reading it throws where a person forbids it. */
function browserStorage(kind: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    return window[kind];
  } catch {
    return undefined;
  }
}
