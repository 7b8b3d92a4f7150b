import { afterEach, expect, test } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { connect, expose, transfer, type RpcClient, type Port } from '../../src/lib/rpc.ts';

const base = { hidden: () => 'inherited' };
const api = Object.assign(Object.create(base) as object, {
  add: (a: number, b: number) => a + b,
  fail: () => {
    throw new AppError('NO_WEBGPU', 'no adapter');
  },
  bug: () => {
    throw new TypeError('oops');
  },
  size: async (bytes: Uint8Array) => bytes.length,
  make: (size: number) => {
    const bytes = new Uint8Array(size);
    made = bytes;
    return transfer(bytes, [bytes.buffer]);
  },
  secret: () => () => 'functions do not cross',
  never: () => new Promise<void>(() => {}),
});
type Events = { height: number; note: { bytes: Uint8Array } };
let made: Uint8Array | undefined;

const open: MessagePort[] = [];
function pair(options?: Parameters<typeof connect>[1]) {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  const server = expose<typeof api, Events>(api, port2);
  return { client: connect<typeof api, Events>(port1, options), server, port1, port2 };
}
afterEach(() => open.splice(0).forEach((p) => p.close()));

test('calls, results and errors cross, typed', async () => {
  const { client } = pair();
  expect(await client.add(1, 2)).toBe(3);
  const error = await client.fail().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: 'NO_WEBGPU', message: 'no adapter' });
  await expect(client.bug()).rejects.toMatchObject({ code: 'INTERNAL', message: 'oops' });
  // @ts-expect-error wrong argument type
  await client.add('x', 1);
});

test('a code of another version stays readable, and what is no code is a bug', async () => {
  const { client, port2 } = pair();
  const [first, second] = [client.never(), client.never()];
  port2.postMessage({ id: 1, error: { code: 'OF_TOMORROW', message: 'new' } });
  port2.postMessage({ id: 2, error: { code: { evil: 1 }, message: 'odd' } });
  await expect(first).rejects.toMatchObject({ code: 'OF_TOMORROW', message: 'new' });
  await expect(second).rejects.toMatchObject({ code: 'INTERNAL' });
});

test('only own methods can be called', async () => {
  const { client } = pair();
  const any = client as unknown as Record<string, () => Promise<unknown>>;
  for (const name of [
    'missing',
    'hidden',
    'constructor',
    'toString',
    '__proto__',
    'hasOwnProperty',
  ])
    await expect(any[name]!(), name).rejects.toMatchObject({ code: 'NO_METHOD' });
});

test('what cannot be cloned is an error on either side, and the port lives on', async () => {
  const { client } = pair();
  await expect(client.secret()).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(client.add((() => 1) as unknown as number, 2)).rejects.toMatchObject({
    code: 'NOT_CLONABLE',
  });
  expect(await client.add(2, 2)).toBe(4);
});

test('marked values are moved, others copied', async () => {
  const { client } = pair();
  const copied = new Uint8Array(10);
  expect(await client.size(copied)).toBe(10);
  expect(copied.length).toBe(10);
  const sent = new Uint8Array(10);
  expect(await client.size(transfer(sent, [sent.buffer]))).toBe(10);
  expect(sent.length).toBe(0);
  expect((await client.make(7)).length).toBe(7);
  expect(made!.length).toBe(0);
});

test('events reach every listener until it stops', async () => {
  const { client, server } = pair();
  const heard: string[] = [];
  const stop = client.on('height', (h) => heard.push(`a${h}`));
  client.on('height', (h) => heard.push(`b${h}`));
  server.emit('height', 1);
  await client.add(0, 0);
  stop();
  server.emit('height', 2);
  server.emit('note', { bytes: new Uint8Array(3) });
  await client.add(0, 0);
  expect(heard).toEqual(['a1', 'b1', 'b2']);
});

test('calls over the bound are refused, and room comes back', async () => {
  const { client } = pair({ pendingMax: 2 });
  const first = client.add(1, 1);
  const second = client.add(2, 2);
  await expect(client.add(3, 3)).rejects.toMatchObject({ code: 'BUSY' });
  expect([await first, await second]).toEqual([2, 4]);
  expect(await client.add(3, 3)).toBe(6);
});

test('a dead worker rejects the waiting and all later calls', async () => {
  let die: (reason: string) => void = () => {};
  const { client } = pair({ failed: (d) => (die = d) });
  const waiting = client.never();
  die('out of memory');
  const dead = { code: 'WORKER_DIED', message: 'out of memory' };
  await expect(waiting).rejects.toMatchObject(dead);
  await expect(client.add(1, 1)).rejects.toMatchObject(dead);
});

test('a closed port rejects the waiting calls', async () => {
  const { client, port2 } = pair();
  const waiting = client.never();
  port2.close();
  await expect(waiting).rejects.toMatchObject({ code: 'WORKER_DIED' });
});

test('both sides of one port may call', async () => {
  const { client, port1, port2 } = pair();
  expose({ twice: (n: number) => 2 * n }, port1 as Port);
  const back = connect<{ twice: (n: number) => number }>(port2);
  expect(await Promise.all([client.add(1, 1), back.twice(5), client.add(2, 2)])).toEqual([
    2, 10, 4,
  ]);
});

test('foreign messages are ignored', async () => {
  const { client, port1, port2 } = pair();
  for (const junk of [null, 1, 'x', [], {}, { id: 1 }, { id: 999, value: 1 }, { event: 'none' }]) {
    port1.postMessage(junk);
    port2.postMessage(junk);
  }
  expect(await client.add(1, 2)).toBe(3);
});

test('a client can be returned from an async function', async () => {
  const make = async (): Promise<RpcClient<typeof api>> => pair().client;
  const client = await make();
  expect(await client.add(1, 2)).toBe(3);
});
