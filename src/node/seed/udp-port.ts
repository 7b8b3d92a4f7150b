/** Whether a UDP port can be opened: WebRTC's native part says it in lines of its own, and fails all the same. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** The system's word for why not, such as EADDRINUSE; undefined when the port can be opened. */
export async function udpProblem(host: string, port: number): Promise<string | undefined> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    const bound = once(socket, 'listening');
    socket.bind(port, host);
    await bound;
    return undefined;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code ?? 'unknown';
  } finally {
    await new Promise<void>((resolve) => socket.close(resolve));
  }
}
