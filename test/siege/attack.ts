/**
 * A hostile crowd of several addresses, for so many seconds:
 *   node test/siege/attack.ts KIND HOST PORT PEER FILE SECONDS ADDRESS…
 * Prints `standing` once its first wave is out, with how often the seed let it in by then, and at its end how much
 * it did.
 */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { createHmac, randomBytes } from 'node:crypto';
import { newPlace, wayFrom } from './peers.ts';

const [kind = '', host = '', portText, peer = '', file = '', secondsText, ...addresses] =
  process.argv.slice(2);
const [port, seconds] = [Number(portText), Number(secondsText)];
const end = Date.now() + seconds * 1000;

/** Sockets of one address at once, twice what a seed gives it: of all addresses more than it has. */
const SOCKETS = 200;
/** ms after which one that was cut comes again: what is tried is places, not how fast both ends are. */
const AGAIN_MS = 10_000;
/** ms between two places of one address: twelve addresses take all in three minutes, if they stay taken. */
const PLACE_MS = 1000;
/** Datagrams a second, of all addresses of this crowd. */
const DATAGRAMS = 200;
/** `landed`: connections, upgrades, files begun, places given, datagrams answered, as the kind has them. */
const count = { made: 0, landed: 0 };
const land = (): void => void count.landed++;

const UPGRADE =
  `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`;

/** Counts it when the answer begins with that status. */
const landAt = (socket: Socket, status: number): void =>
  void socket.once('data', (data) => String(data).startsWith(`HTTP/1.1 ${status}`) && land());

/** What is done with a socket that is open, by kind; whoever is cut comes again. */
const SOCKET_KINDS: Readonly<Record<string, (socket: Socket) => void>> = {
  silent: land,
  upgraded(socket) {
    landAt(socket, 101);
    socket.write(UPGRADE);
  },
  // The first byte of a message that never comes whole: the handshake goes on until its time is over.
  halting(socket) {
    landAt(socket, 101);
    socket.write(Buffer.from(`${UPGRADE}\x82`, 'latin1'));
  },
  dripping(socket) {
    land();
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n`);
    const timer = setInterval(() => socket.write('a: b\r\n'), 1000);
    socket.on('close', () => clearInterval(timer));
  },
  'not reading'(socket) {
    landAt(socket, 200);
    socket.once('data', () => socket.pause());
    socket.write(`GET ${file} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  },
};

function holdSocket(localAddress: string, use: (socket: Socket) => void): void {
  count.made++;
  const socket = connect({ host, port, localAddress }, () => use(socket));
  if (kind !== 'not reading') socket.resume();
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (Date.now() < end) setTimeout(() => holdSocket(localAddress, use), AGAIN_MS);
  });
}

async function holdSockets(use: (socket: Socket) => void): Promise<void> {
  for (let i = 0; i < SOCKETS; i++) {
    for (const address of addresses) holdSocket(address, use);
    await new Promise((r) => setTimeout(r, 20));
  }
}

/** Takes places at the relay with fresh keys and leaves at once. */
async function takePlaces(): Promise<void> {
  const lane = async (address: string): Promise<void> => {
    const way = await wayFrom(address, host, port);
    while (Date.now() < end) {
      count.made++;
      await new Promise((r) => setTimeout(r, PLACE_MS));
      if (await newPlace(`/ip4/127.0.0.1/tcp/${way}/ws/p2p/${peer}`).catch(() => false)) land();
    }
  };
  void Promise.all(addresses.map(lane));
  while (!count.landed && Date.now() < end) await new Promise((r) => setTimeout(r, 200));
}

/** STUN requests as a WebRTC-direct dialler's first ones, each pair of a caller of its own. */
function stunRequest(ufrag: string): Buffer {
  const name = Buffer.from(`x:${ufrag}`);
  const user = Buffer.alloc(4 + Math.ceil(name.length / 4) * 4);
  user.writeUInt16BE(6, 0);
  user.writeUInt16BE(name.length, 2);
  name.copy(user, 4);
  const head = Buffer.concat([
    Buffer.from([0, 1, 0, user.length + 24, 0x21, 0x12, 0xa4, 0x42]),
    randomBytes(12),
  ]);
  const mac = createHmac('sha1', ufrag).update(head).update(user).digest();
  return Buffer.concat([head, user, Buffer.from([0, 8, 0, 20]), mac]);
}

async function sendDatagrams(): Promise<void> {
  const sockets = addresses.map((address) => {
    const socket = createSocket('udp4')
      .on('error', () => undefined)
      .on('message', land);
    socket.bind(0, address);
    return socket;
  });
  const timer = setInterval(() => {
    for (let i = 0; i < DATAGRAMS / 2 / 50; i++) {
      const ufrag = randomBytes(16).toString('hex');
      const socket = sockets[count.made++ % sockets.length]!;
      for (let twice = 0; twice < 2; twice++) socket.send(stunRequest(ufrag), port, host);
    }
  }, 20);
  setTimeout(() => clearInterval(timer), end - Date.now());
  await new Promise((r) => setTimeout(r, 1000));
}

const socketKind = SOCKET_KINDS[kind];
if (socketKind) await holdSockets(socketKind);
else if (kind === 'places') await takePlaces();
else if (kind === 'datagrams') await sendDatagrams();
else throw new Error(`no attack is called ${kind}`);
console.log(`standing ${count.landed}`);
setTimeout(
  () => {
    console.log(`made ${count.made}`);
    process.exit();
  },
  Math.max(0, end - Date.now()),
);
