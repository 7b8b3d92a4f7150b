/** Bytes of messages with peers, both ways: the load on a person's internet connection. */
import type { Metrics, Stream } from '@libp2p/interface';
import type { HostOptions } from './host.ts';
import type { Traffic } from './transport.ts';

type MetricsFactory = NonNullable<HostOptions['metrics']>;

/** The method by which libp2p's message streams receive data; it is not part of their public interface. */
type Fed = Stream & { onData(data: { readonly byteLength: number }): void };

/**
 * Counts the bytes of every protocol stream through libp2p's metrics. A listener of ours would not work: a
 * stream gives its buffered data to its first listener, and the protocol's listener comes later. Middleware
 * would not work either: it makes streams wait, and gossipsub 17 then closes the stream that its peer uses.
 * `further`: metrics that are told of everything too.
 */
export function countTraffic(further: MetricsFactory = () => NO_METRICS): {
  readonly metrics: MetricsFactory;
  traffic(): Traffic;
} {
  const sum = { sentBytes: 0, receivedBytes: 0 };
  const trackProtocolStream = (stream: Stream): void => {
    const [send, feed] = [stream.send.bind(stream), (stream as Fed).onData.bind(stream)];
    sum.receivedBytes += stream.readBufferLength;
    stream.send = (data) => {
      sum.sentBytes += data.byteLength;
      return send(data);
    };
    (stream as Fed).onData = (data) => {
      sum.receivedBytes += data.byteLength;
      feed(data);
    };
  };
  const metrics: MetricsFactory = (components) => {
    const made = further(components);
    return Object.assign(Object.create(made) as Metrics, {
      trackProtocolStream(stream: Stream) {
        trackProtocolStream(stream);
        made.trackProtocolStream(stream);
      },
    });
  };
  return { metrics, traffic: () => ({ ...sum }) };
}

const ignore = (): void => {};
const METRIC = {
  update: ignore,
  increment: ignore,
  decrement: ignore,
  reset: ignore,
  observe: ignore,
  timer: () => ignore,
};
const register = () => METRIC;
/** Metrics that are not counted here. */
const NO_METRICS: Metrics = {
  trackProtocolStream: ignore,
  trackMultiaddrConnection: ignore,
  registerMetric: register,
  registerMetricGroup: register,
  registerCounter: register,
  registerCounterGroup: register,
  registerHistogram: register,
  registerHistogramGroup: register,
  registerSummary: register,
  registerSummaryGroup: register,
  traceFunction: <T>(_: string, traced: T): T => traced,
  createTrace: ignore,
};
