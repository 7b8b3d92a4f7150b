import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/lib/errors.ts';
import { answerRpc, type RpcMethods } from '../../src/node/rpc/rpc.ts';

const heard: unknown[][] = [];
const methods: RpcMethods = {
  async add([a, b]) {
    heard.push([a, b]);
    return (a as number) + (b as number);
  },
  work: async () => 2n ** 80n,
  refuse: async () => Promise.reject(new AppError('TX_REFUSED', 'no')),
  wrong: async () => Promise.reject(new AppError('RPC_PARAMS', 'x is a number')),
  bug: async () => Promise.reject(new TypeError('oops')),
};
const ask = async (body: unknown) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await answerRpc(methods, text);
  return answer && JSON.parse(answer);
};
const call = (method: string, params?: unknown, id: unknown = 1) => ({
  jsonrpc: '2.0',
  method,
  params,
  id,
});

describe('JSON-RPC', () => {
  it('answers with the id that was sent, large numbers as text', async () => {
    expect(await ask(call('add', [1, 2], 'x'))).toEqual({ jsonrpc: '2.0', id: 'x', result: 3 });
    expect(await ask(call('work'))).toMatchObject({ result: '1208925819614629174706176' });
    // Libraries that name parameters send an empty object for none.
    expect(await ask(call('work', {}))).toMatchObject({ id: 1, result: expect.any(String) });
  });

  it.each([
    ['{', -32700, null],
    ['', -32700, null],
    ['null', -32600, null],
    ['"call"', -32600, null],
    [[], -32600, null],
    // A caller waits for its own id: it comes back with whatever is wrong.
    [{ ...call('add', [1, 2]), jsonrpc: '1.0' }, -32600, 1],
    [{ method: 'add', params: [1, 2], id: 'x' }, -32600, 'x'],
    [call('add', { a: 1 }), -32602, 1],
    [call('add', 'x', 'y'), -32602, 'y'],
    [call('add', null, 0), -32602, 0],
    [call('add', [1, 2], { deep: 1 }), -32600, null],
    [{ jsonrpc: '2.0', id: 1, method: 7 }, -32600, 1],
    [{ jsonrpc: '2.0', id: 1 }, -32600, 1],
    [call('subtract'), -32601, 1],
    [call('toString'), -32601, 1],
    [call('constructor'), -32601, 1],
    [call('__proto__'), -32601, 1],
    [call('wrong'), -32602, 1],
    [call('bug'), -32603, 1],
    [call('refuse'), -32000, 1],
  ])('%j fails with %i', async (body, code, id) => {
    expect(await ask(body)).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
  });

  it("tells an error's own code, and repeats no more than 64 letters of a method", async () => {
    expect((await ask(call('refuse'))).error.data).toEqual({ code: 'TX_REFUSED' });
    expect((await ask(call('m'.repeat(10_000)))).error.message.length).toBeLessThan(100);
  });

  it('runs notifications and keeps silent', async () => {
    heard.length = 0;
    expect(await ask({ jsonrpc: '2.0', method: 'add', params: [3, 4] })).toBeUndefined();
    expect(heard).toEqual([[3, 4]]);
    expect(await ask({ jsonrpc: '2.0', method: 'bug' })).toBeUndefined();
    expect(await ask([{ jsonrpc: '2.0', method: 'bug' }])).toBeUndefined();
  });

  it('answers a batch in order, without its notifications, up to 50 calls', async () => {
    const answers = await ask([call('add', [1, 1], 1), { jsonrpc: '2.0', method: 'work' }, 5]);
    expect(answers).toMatchObject([{ id: 1, result: 2 }, { error: { code: -32600 } }]);
    const many = (n: number) => Array.from({ length: n }, (_, i) => call('add', [i, 0], i));
    const fifty = await ask(many(50));
    expect(fifty.map((a: any) => a.result)).toEqual(many(50).map((_, i) => i));
    heard.length = 0;
    expect(await ask(many(51))).toMatchObject({ error: { code: -32600 } });
    expect(heard).toEqual([]);
  });
});
