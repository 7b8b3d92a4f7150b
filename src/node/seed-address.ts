/** Addresses of seeds as a person types them: `--bootstrap`, `--seed`. */
import { silentLog } from '../lib/log.ts';
import { seedsFromAddresses } from '../net/bootstrap.ts';

/** What can be dialled: a multiaddr alone may be empty, or a host without a way to it. */
const DIALLED =
  /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/(tcp\/\d{1,5}\/(tls\/(sni\/[^/]+\/)?ws|wss?)|udp\/\d{1,5}\/webrtc-direct(\/certhash\/[^/]+)+)(\/p2p\/\w+)?$/;

export const isSeedAddress = (text: string): boolean =>
  DIALLED.test(text) && seedsFromAddresses([text], silentLog).length === 1;
