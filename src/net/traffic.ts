/** Bytes of messages with peers, both ways: what they cost a person's connection. */
import type { Metrics, Stream } from '@libp2p/interface';

export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}
export const NO_TRAFFIC: Traffic = { sentBytes: 0, receivedBytes: 0 };

/** The entry of libp2p's own message streams for what arrives; not of their interface. */
type Fed = Stream & { onData(data: { readonly byteLength: number }): void };

export class TrafficCount implements Traffic {
  sentBytes = 0;
  receivedBytes = 0;

  /**
   * Follows every stream of a protocol. A listener of ours would not do: a stream hands what waits in it
   * to its first listener, and the protocol's comes later. Nor does middleware: it makes streams wait,
   * and gossipsub 17 then closes the one of two that its peer uses.
   */
  readonly metrics = (): Metrics => {
    const follow = (stream: Stream): void => {
      const [send, feed] = [stream.send.bind(stream), (stream as Fed).onData.bind(stream)];
      this.receivedBytes += stream.readBufferLength;
      stream.send = (data) => {
        this.sentBytes += data.byteLength;
        return send(data);
      };
      (stream as Fed).onData = (data) => {
        this.receivedBytes += data.byteLength;
        feed(data);
      };
    };
    return { ...NO_METRICS, trackProtocolStream: follow };
  };

  get sum(): Traffic {
    const { sentBytes, receivedBytes } = this;
    return { sentBytes, receivedBytes };
  }
}

const ignore = (): void => {};
const METRIC = {
  ...{ update: ignore, increment: ignore, decrement: ignore, reset: ignore, observe: ignore },
  timer: () => ignore,
};
const register = () => METRIC;
/** All else that libp2p would tell. */
const NO_METRICS = {
  trackMultiaddrConnection: ignore,
  ...{ registerMetric: register, registerMetricGroup: register },
  ...{ registerCounter: register, registerCounterGroup: register },
  ...{ registerHistogram: register, registerHistogramGroup: register },
  ...{ registerSummary: register, registerSummaryGroup: register },
  traceFunction: <T>(_: string, traced: T): T => traced,
  createTrace: ignore,
};
