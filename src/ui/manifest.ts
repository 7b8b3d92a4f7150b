/** The web app manifest; the build writes it. Addresses are relative: the app may lie in a folder. */
import type { ManifestOptions } from 'vite-plugin-pwa';

export const manifest: Partial<ManifestOptions> = {
  id: './',
  name: 'Pila',
  short_name: 'Pila',
  description: 'Your computer answers. The network pays.',
  lang: 'en',
  dir: 'ltr',
  start_url: './',
  scope: './',
  display: 'standalone',
  display_override: ['standalone', 'minimal-ui'],
  background_color: '#F6F1E6',
  theme_color: '#F6F1E6',
  categories: ['utilities', 'finance'],
  launch_handler: { client_mode: 'focus-existing' },
  // What a browser lets an app register; `pila:` itself it does not.
  protocol_handlers: [{ protocol: 'web+pila', url: './#/pay/%s' }],
  // A text with a payment link or an address; the service worker answers, so it does not leave the device.
  share_target: {
    action: './',
    method: 'GET',
    enctype: 'application/x-www-form-urlencoded',
    params: { title: 'title', text: 'text', url: 'url' },
  },
  icons: [
    { src: 'icon-192.png', sizes: '192x192', type: 'image/png', purpose: 'any' },
    { src: 'icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
    { src: 'icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
    { src: 'icon-monochrome-512.png', sizes: '512x512', type: 'image/png', purpose: 'monochrome' },
    { src: 'pile.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any' },
  ],
  // The first only opens the pile: work starts at a person's click on the page.
  shortcuts: [
    { name: 'Pile', url: './#/' },
    { name: 'Ask', url: './#/ask' },
    { name: 'Wallet', url: './#/wallet' },
  ],
};

/** Kept pictures (docs/screens) that the build adds to the manifest, for the browser's own install dialogue. */
export const SCREENSHOTS = [
  { file: 'pila-working-1280-light-en.png', form_factor: 'wide', label: 'The pile, at work' },
  { file: 'network-1280-light-en.png', form_factor: 'wide', label: 'The network, checked here' },
  { file: 'pila-window-390-light-en.png', form_factor: 'narrow', label: 'The pile, at work' },
  { file: 'wallet-receive-390-light-en.png', form_factor: 'narrow', label: 'Receiving' },
] as const;
