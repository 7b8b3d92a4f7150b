import { expect, it } from 'vitest';
import { decodePng, differenceOf, encodePng, type Picture } from './png.ts';

/** Of `colours` random colours that are far apart. */
function noise(width: number, height: number, colours: number): Picture {
  let seed = 3;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const palette = Array.from({ length: colours }, (_, i) => i * 0x0f0b11);
  const pixels = Uint32Array.from({ length: width * height }, () => palette[random(colours)]!);
  return { width, height, pixels };
}

it('a picture of few colours comes back as it was', () => {
  const picture = noise(37, 21, 15);
  expect(decodePng(encodePng(picture))).toEqual(picture);
});

it('of near colours the more frequent one is kept', () => {
  const pixels = Uint32Array.of(0x102030, 0x102030, 0x122232, 0xffffff);
  const back = decodePng(encodePng({ width: 2, height: 2, pixels }));
  expect([...back.pixels]).toEqual([0x102030, 0x102030, 0x102030, 0xffffff]);
});

it('counts what differs by more than is tolerated, and another size as all', () => {
  const picture = noise(10, 10, 15);
  const pixels = picture.pixels.slice();
  pixels[7] = picture.pixels[7]! ^ 0x800000;
  expect(differenceOf(picture, { ...picture, pixels }, 40)).toBe(0.01);
  pixels[7] = picture.pixels[7]! ^ 0x04;
  expect(differenceOf(picture, { ...picture, pixels }, 40)).toBe(0);
  expect(differenceOf(picture, noise(10, 11, 15), 40)).toBe(1);
});
