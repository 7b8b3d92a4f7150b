import { expect, test } from 'vitest';
import {
  generatePassphrase,
  passphraseBits,
  PASSPHRASE_BITS_MIN,
  requireStrong,
} from '../../src/wallet/strength.ts';

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim());

/** In every cracker's lists, or made by rules that every cracker has. */
const TRIED_BY_ALL = lines(`
  1qaz2wsx3edc
  1qaz2wsx3edc4rfv
  1qaz2wsx3edc4rfv5tgb
  1q2w3e4r5t6y
  1q2w3e4r5t6y7u8i
  q1w2e3r4t5y6
  zaq12wsxcde3
  zaq1xsw2cde3
  zaq1xsw2cde3vfr4
  !QAZ2wsx#EDC4rfv
  qweasdzxc123
  123qweasdzxc
  qazwsxedcrfv
  qazwsxedcrfvtgb
  qazwsxedc
  1234qwerasdfzxcv
  qwerasdfzxcv
  asdfqwerzxcv
  poiuytrewq
  0987654321poiuytrewq
  mnbvcxzlkjhgfdsa
  lkjhgfdsa
  abcd1234efgh5678
  a1b2c3d4e5f6
  a1b2c3d4e5f6g7h8
  to be or not to be that is the question
  the quick brown fox jumps over the lazy dog
  in the beginning god created the heaven and the earth
  nel mezzo del cammin di nostra vita
  may the force be with you
  never gonna give you up never gonna let you down
  all your base are belong to us
  I love you forever and ever my darling
  winter is coming and the night is dark
  Call me Ishmael. Some years ago
  mickeymouse donaldduck goofy pluto
  qwertyuiopasdfghjklzxcvbnm
  thisismypassword123!
  MyPassword2024!MyPassword
  letmeinplease12345
  P@ssw0rd!P@ssw0rd!1
  Password123Password456Password789
  mario rossi 12 04 1985
  a b c d e f g h i j k l m n o p q r s t
  q w e r t y u i o p a s d f g h j k l
  q-a-z-w-s-x-e-d-c
  aaaa bbbb cccc dddd eeee ffff gggg
  eins zwei drei vier fünf sechs sieben acht neun zehn
  eins zwei drei vier funf sechs sieben acht neun zehn
  un deux trois quatre cinq six sept huit neuf dix
  uno dos tres cuatro cinco seis siete ocho nueve diez
  janvier février mars avril mai juin juillet août
  montag dienstag mittwoch donnerstag freitag samstag
  ariete toro gemelli cancro leone vergine bilancia scorpione
  alpha beta gamma delta epsilon zeta eta theta
  alfa beta gamma delta epsilon zeta eta theta
  alpha bravo charlie delta echo foxtrot golf hotel
  hydrogen helium lithium beryllium boron carbon nitrogen
  roma milano napoli torino palermo genova bologna
  lorem ipsum dolor sit amet consectetur adipiscing elit
  legal winner thank year wave sausage worth useful
  letter advice cage absurd amount doctor acoustic avoid
  ave maria gratia plena dominus tecum benedicta tu
  1248163264128256512102420484096
  1123581321345589144233377610
  23571113171923293137414347
  1.7320508075688772935274463415
  0.57721566490153286060651209
  3141592653589793
  31415926535897932384
  27182818284590452
  1234567890987654321
  112233445566778899
  147258369147258369
  159753258456
  19851204 20101005 20150607
  0123456789012345
  11223344556677889900
  12345678910111213141516
  00000000000000000000
  1029384756102938
  qwertzuiopü
  fuckyou1234567890fuckyou
  abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about
  abandon ability able about above absent
  one two three four five six seven
  monday tuesday wednesday thursday friday
  red green blue yellow orange purple
  uno due tre quattro cinque sei
`);

const OF_THE_SAME_KINDS = lines(`
  P@ssw0rd123!
  Password2024!Password2024!
  correct horse battery staple
  letmein-letmein-letmein-letmein-letmein
  abcdefghijklmnopqrstuvwxyz0123456789
  1234567890123456789012345678901234567890
  la mia banca 1987
  !!!!!!!!!!!!!!!!!!!!!!!!
  !QAZ@WSX#EDC$RFV
  ZAQ!xsw2CDE#vfr4
  0okmnji98uhbvgy7
  thequickbrownfoxjumpsoverthelazydog
  ToBeOrNotToBeThatIsTheQuestion
  maytheforcebewithyou
  quel ramo del lago di como che volge a mezzogiorno
  padre nostro che sei nei cieli
  fratelli d'italia l'italia s'è desta
  nel blu dipinto di blu
  lunedì martedì mercoledì giovedì venerdì
  gennaio febbraio marzo aprile maggio giugno
  rosso giallo verde blu viola nero
  we hold these truths to be self evident that all men are created equal
  it was the best of times it was the worst of times
  four score and seven years ago our fathers
  en un lugar de la mancha de cuyo nombre no quiero acordarme
  der mensch ist was er isst
  je pense donc je suis
  cogito ergo sum
  january february march april may june july
  zoo zone zero young you yellow
  abandon ability able about above absent absorb abstract absurd abuse
  3.14159265358979323846264338327950288
  1.61803398874989484820458683
  1.41421356237309504880168872
  16180339887498948482
  forza napoli sempre 1926
  john smith 01/02/1980
`);

test.each([...TRIED_BY_ALL, ...OF_THE_SAME_KINDS])(
  'what every cracker tries is refused: %s',
  (weak) => {
    expect(passphraseBits(weak)).toBeLessThan(PASSPHRASE_BITS_MIN);
    expect(() => requireStrong(weak)).toThrow(expect.objectContaining({ code: 'PASSPHRASE_WEAK' }));
  },
);

test.each(['', 'short', 'hT7$kQ9!zR2@mX5v'.repeat(17), 'x'.repeat(5000)])(
  'the bounds of the length hold: %#',
  (text) => {
    expect(() => requireStrong(text)).toThrow(expect.objectContaining({ code: 'PASSPHRASE_WEAK' }));
  },
);

test.each([
  'hT7$kQ9!zR2@mX5v',
  'xkqzvwpjtmghbdfl',
  'orbit velvet canyon thimble pretzel lagoon',
  'Ogni-mattina-Zefiro-ruba-tredici-biscotti',
  '8402957163058271946',
  'cactus ripple mango trumpet oyster blanket',
  'stufa-violino-nebbia-carciofo-timbro-lampione',
  'f3b09a6d21c7e8540b1d',
])('%s is accepted', (strong) => {
  expect(passphraseBits(strong)).toBeGreaterThanOrEqual(PASSPHRASE_BITS_MIN);
  requireStrong(strong);
});

test('generated ones are six words and pass', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const phrase = generatePassphrase(crypto);
    expect(phrase.split(' ').length).toBe(6);
    requireStrong(phrase);
    seen.add(phrase);
  }
  expect(seen.size).toBe(20);
});

test('six drawn words are hardly ever refused: the draw keeps its 66 bits', () => {
  // A source that counts draws: the generator tries again where a draw would be refused.
  let draws = 0;
  const source = {
    getRandomValues: <T extends ArrayBufferView<ArrayBuffer>>(array: T): T => {
      draws++;
      return crypto.getRandomValues(array);
    },
  };
  for (let i = 0; i < 40; i++) generatePassphrase(source);
  expect(draws).toBeLessThan(40 * 6 * 1.25);
});
