/**
 * What the text sets are made of, each file by its hash: package descriptions, manual pages and WordNet as
 * Debian 12.15 has them. Debian moves; what it has replaced stays at snapshot.debian.org.
 */
import type { Pinned } from '../fetch/source.ts';

const DEBIAN = 'https://deb.debian.org/debian';
const KEPT = 'https://snapshot.debian.org/archive/debian/20260801T000000Z';

const described = (part: string, file: string, sha256: string, bytes: number): Pinned => ({
  name: `${part}-${file}`,
  sha256,
  bytes,
  sources: [
    `${DEBIAN}/dists/bookworm/${part}/i18n/by-hash/SHA256/${sha256}`,
    `${KEPT}/dists/bookworm/${part}/i18n/${file}`,
  ],
});

const packaged = (path: string, sha256: string, bytes: number): Pinned => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  sha256,
  bytes,
  sources: [`${DEBIAN}/pool/main/${path}`, `${KEPT}/pool/main/${path}`],
});

/** Package descriptions to measure on, by language. */
export const DESCRIPTIONS = {
  en: described(
    'main',
    'Translation-en.xz',
    'a3d4a0bfd8e9242810b0885eda7c1a6e05dac15b333ddbaab03ba56f2dfa4bf0',
    6_107_304,
  ),
  it: described(
    'main',
    'Translation-it.bz2',
    'f01a5f14992838ff8140da6e025c514c900c4f55d3169d5ef1710ed2deee2bde',
    5_291_861,
  ),
  de: described(
    'main',
    'Translation-de.bz2',
    '2cc65c7f8b85d8a2964c3735bbf86be79bfd3342ef8908150e268137fe5dac7f',
    1_748_338,
  ),
  fr: described(
    'main',
    'Translation-fr.bz2',
    '3248f0206d704300067e35cc2d4380dc1f1b418b5b9f446c3d42424b98d0abad',
    2_728_394,
  ),
  es: described(
    'main',
    'Translation-es.bz2',
    'b093780b45057500d70ffaa61aaf2ec4ccb7cca2f7af7a678e79e0a5f49ab81f',
    302_938,
  ),
  ru: described(
    'main',
    'Translation-ru.bz2',
    'ab6fafa41c806fc3189dd41767dfa4202bd8e80e9d0286f85b00bafadb620ec7',
    458_742,
  ),
  ja: described(
    'main',
    'Translation-ja.bz2',
    'faae0d44702fdb794a53aa689e1334d9b1ecd96f9d042b89bd67fa97a86e7c6c',
    753_577,
  ),
  da: described(
    'main',
    'Translation-da.bz2',
    '2e721d886e2830ab7dfd2c57142bbcbdcca936a17f06c8354cdbcb1bd38c479d',
    5_319_224,
  ),
  uk: described(
    'main',
    'Translation-uk.bz2',
    '38cae54127841ee549148a76d84db30ce134590bee0622acdf778ebd4eab00d7',
    539_508,
  ),
} as const;

export const MANUALS: readonly Pinned[] = [
  packaged(
    'm/manpages/manpages_6.03-2_all.deb',
    'efa1ba4cd19ad7baeae959c9209a7eb74be2ebb858bcabb412597bfc9f588c91',
    1_331_652,
  ),
  packaged(
    'm/manpages/manpages-dev_6.03-2_all.deb',
    '96f55cb5e26231d5567c89b692bced63825a14a2d5bd18fdf16ea2ed44eb9838',
    2_030_264,
  ),
  packaged(
    'g/git/git-man_2.39.5-0+deb12u3_all.deb',
    '904dbd8dbc3db34c6780fb0abfe35816d4a90a490126ef0a055a77a0c5dcab82',
    2_053_236,
  ),
];

export const WORDNET = packaged(
  'w/wordnet/wordnet-base_3.0-37_all.deb',
  '61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752',
  6_467_132,
);
