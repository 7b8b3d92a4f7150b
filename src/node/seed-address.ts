/** Addresses of seeds as a person types them: `--bootstrap`, `--seed`. */
import { silentLog } from '../lib/log.ts';
import { seedsFromAddresses } from '../net/bootstrap.ts';

/** What can be dialled: a multiaddr alone may be empty, or a host without a way to it. */
const HOST = String.raw`/(ip4|ip6|dns|dns4|dns6)/[^/]+`;
const SOCKET = String.raw`/tcp/\d{1,5}/(tls/(sni/[^/]+/)?ws|wss?)`;
const DIRECT = String.raw`/udp/\d{1,5}/webrtc-direct(/certhash/[^/]+)+`;
const DIALLED = new RegExp(String.raw`^${HOST}(${SOCKET}|${DIRECT})(/p2p/\w+)?$`);

export const isSeedAddress = (text: string): boolean =>
  DIALLED.test(text) && seedsFromAddresses([text], silentLog).length === 1;
