/** The two classes of the Encoding Standard that core may use. Nothing else of the platform is visible to it. */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(data: Uint8Array): string;
}
