/** Reads a QR code from a picture or a camera's frame: by the browser where it can, else by a decoder loaded then. */
import { AppError } from '../../../lib/errors.ts';

/** Larger pictures are drawn smaller: a phone's photograph would take seconds. */
const SIDE_MAX = 1280;
const TEXT_CHARS_MAX = 4096;

type Detector = { detect(image: ImageBitmapSource): Promise<{ rawValue: string }[]> };
type DetectorClass = {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
};

/** The browser's own. */
async function nativeDetector(): Promise<Detector | undefined> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  const formats = await BarcodeDetector?.getSupportedFormats().catch((): string[] => []);
  return BarcodeDetector && formats?.includes('qr_code')
    ? new BarcodeDetector({ formats: ['qr_code'] })
    : undefined;
}

/** The first code's text, or undefined where none is seen. */
export type QrReader = (
  source: ImageBitmap | HTMLVideoElement,
  width: number,
  height: number,
) => Promise<string | undefined>;

export async function createQrReader(): Promise<QrReader> {
  const detector = await nativeDetector();
  const canvas = document.createElement('canvas');
  if (detector)
    return async (source, width, height) => {
      // A frame of a video has no holes.
      const image =
        source instanceof HTMLVideoElement ? source : drawn(canvas, source, width, height);
      const [found] = await detector.detect(image).catch(() => []);
      return found && textOf(found.rawValue);
    };
  const { default: decode } = await import('qr/decode.js');
  return async (source, width, height) => {
    const image = drawn(canvas, source, width, height);
    try {
      return textOf(decode(image));
    } catch {
      // It throws where it sees no code.
      return undefined;
    }
  };
}

/** On white, and no larger than needed: what is transparent would be read as black. */
function drawn(
  canvas: HTMLCanvasElement,
  source: ImageBitmap | HTMLVideoElement,
  width: number,
  height: number,
): ImageData {
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Codes hold addresses in capitals, which take less room. */
export const textOf = (text: string): string => {
  const short = text.slice(0, TEXT_CHARS_MAX);
  return short === short.toUpperCase() ? short.toLowerCase() : short;
};

/** @throws QR_NONE */
export async function readPicture(file: Blob): Promise<string> {
  const image = await createImageBitmap(file).catch((cause: unknown) => {
    throw new AppError('QR_NONE', 'not a picture', { cause });
  });
  try {
    const read = await createQrReader();
    const text = await read(image, image.width, image.height);
    if (text === undefined) throw new AppError('QR_NONE', 'no code in it');
    return text;
  } finally {
    image.close();
  }
}
