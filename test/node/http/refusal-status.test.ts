/** Refusals over HTTP: whose fault each code of the project is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../../src/lib/error-codes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createHttp, listen, type HttpServer } from '../../../src/node/http/http.ts';
import { STATUS } from '../../../src/node/http/refusal-status.ts';
import { OPEN_API } from '../../../src/node/openai/described.ts';

let http: HttpServer;
let url: string;
let thrown: ErrorCode;
beforeAll(async () => {
  const route = (): never => {
    throw new AppError(thrown, 'why');
  };
  http = createHttp({ 'GET /': route });
  url = `http://127.0.0.1:${await listen(http.server, '127.0.0.1', 0)}/`;
});
afterAll(() => {
  http.server.closeAllConnections();
  http.server.close();
});
async function refusal(code: ErrorCode) {
  thrown = code;
  const response = await fetch(url);
  const { error } = await response.json();
  return { status: response.status, headers: response.headers, error };
}

describe('the status of a refusal', () => {
  it('is known for every code of the project, and described', async () => {
    expect(Object.keys(STATUS).toSorted()).toEqual(ERROR_CODES.toSorted());
    const { responses } = (OPEN_API as any).paths['/v1/chat/completions'].post;
    // There is but one method.
    const described = [...Object.keys(responses), '405'];
    for (const code of ERROR_CODES) {
      const { status, error } = await refusal(code);
      expect([error.code, status]).toEqual([code, STATUS[code]]);
      expect(described, code).toContain(String(status));
    }
  });

  it('blames the caller for what the caller did, and for nothing else', async () => {
    const callers = /^(ADDRESS|AMOUNT|BODY|INPUT|OPTION|RPC|TYPE|IDEMPOTENCY)_/;
    const others =
      /^(NET|STORE|MODEL_STORE|CHANNELS?|PROVIDER|DEVICE|VAULT|PASSKEY|NO|PART|SELF)_|_(BUSY|DIED|CORRUPT)$/;
    for (const code of ERROR_CODES) {
      const { status, error } = await refusal(code);
      if (callers.test(code)) expect([code, Math.floor(status / 100)]).toEqual([code, 4]);
      if (others.test(code)) expect([code, Math.floor(status / 100)]).toEqual([code, 5]);
      expect([code, error.type === 'server_error']).toEqual([code, status >= 500]);
    }
  });

  it('says when a call may come again that is refused for now alone', async () => {
    for (const code of ERROR_CODES) {
      const { status, headers } = await refusal(code);
      const isForNow = status === 503 || status === 429;
      expect([code, headers.get('retry-after') !== null]).toEqual([code, isForNow]);
    }
  });

  it('of a code that this version does not know is its own fault', async () => {
    expect((await refusal('OF_TOMORROW' as ErrorCode)).status).toBe(500);
  });
});
