/*
 * What a miner's own kernel can do on one core: the noisy product of one linear, its transcript folded in, by the
 * processor's int8 dot products (AVX-512 VNNI). Usage: gemm m k n r; prints GMAC/s and whether sampled entries are
 * right.
 *
 * A' is read as unsigned (a + 128); 128·Σb of the columns is taken off at each fold. B' is packed by 16 columns and 4
 * steps of k, which is timed too.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TILE = 16, RUNS = 60, SAMPLES = 200 };

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void *room(size_t bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64); }

/* XOR of 16 lanes. */
static uint32_t fold(__m512i v) {
  __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  __m128i x = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  x = _mm_xor_si128(x, _mm_srli_si128(x, 8));
  x = _mm_xor_si128(x, _mm_srli_si128(x, 4));
  return _mm_cvtsi128_si32(x);
}

struct linear {
  int m, k, n, r;
  uint8_t *left;   /* A' + 128, row-major */
  int8_t *right;   /* B' by panels of 16 columns */
  int32_t *offset; /* 128·Σb up to each step, for each column */
  int32_t *c;
  uint32_t *messages;
};

static void pack(struct linear *l, const int8_t *a, const int8_t *b) {
  const int k = l->k, n = l->n, r = l->r;
  for (int i = 0; i < l->m * k; i++) l->left[i] = a[i] ^ 0x80;
  for (int p = 0; p < n / TILE; p++)
    for (int g = 0; g < k / 4; g++)
      for (int j = 0; j < TILE; j++)
        memcpy(l->right + (p * (k / 4) + g) * 64 + 4 * j, b + (p * TILE + j) * k + 4 * g, 4);
  for (int j = 0; j < n; j++)
    for (int step = 0, sum = 0; step < k / r; step++) {
      for (int i = 0; i < r; i++) sum += b[j * k + step * r + i];
      l->offset[step * n + j] = 128 * sum;
    }
}

/* One tile: its 256 entries of C and its message. */
static void tile(struct linear *l, int row, int panel) {
  const int k = l->k, n = l->n, r = l->r;
  uint32_t words[16] = {0};
  __m512i sums[TILE];
  for (int i = 0; i < TILE; i++) sums[i] = _mm512_setzero_si512();
  for (int step = 0; step < k / r; step++) {
    for (int g = step * r / 4; g < (step + 1) * r / 4; g++) {
      __m512i b = _mm512_load_si512(l->right + (panel * (k / 4) + g) * 64);
#pragma GCC unroll 16
      for (int i = 0; i < TILE; i++) {
        int32_t a;
        memcpy(&a, l->left + (row + i) * k + 4 * g, 4);
        sums[i] = _mm512_dpbusd_epi32(sums[i], _mm512_set1_epi32(a), b);
      }
    }
    __m512i off = _mm512_load_si512(l->offset + step * n + panel * TILE), x = _mm512_setzero_si512();
#pragma GCC unroll 16
    for (int i = 0; i < TILE; i++) x = _mm512_xor_si512(x, _mm512_sub_epi32(sums[i], off));
    uint32_t w = words[step % 16];
    words[step % 16] = ((w << 13) | (w >> 19)) ^ fold(x);
  }
  memcpy(l->messages + (row / TILE * (n / TILE) + panel) * 16, words, sizeof words);
  __m512i off = _mm512_load_si512(l->offset + (k / r - 1) * n + panel * TILE);
  for (int i = 0; i < TILE; i++)
    _mm512_store_si512(l->c + (row + i) * n + panel * TILE, _mm512_sub_epi32(sums[i], off));
}

int main(int count, char **args) {
  if (count != 5) return 2;
  struct linear l = {atoi(args[1]), atoi(args[2]), atoi(args[3]), atoi(args[4]), 0, 0, 0, 0, 0};
  const int m = l.m, k = l.k, n = l.n;
  int8_t *a = room(m * k), *b = room(n * k);
  l.left = room(m * k);
  l.right = room(n * k);
  l.offset = room(sizeof(int32_t) * n * (k / l.r));
  l.c = room(sizeof(int32_t) * m * n);
  l.messages = room(m * n / 4);
  for (int i = 0; i < m * k; i++) a[i] = rand() % 253 - 126;
  for (int i = 0; i < n * k; i++) b[i] = rand() % 253 - 126;
  double best = 1e9;
  for (int run = 0; run < RUNS; run++) {
    double start = seconds();
    pack(&l, a, b);
    for (int panel = 0; panel < n / TILE; panel++)
      for (int row = 0; row < m; row += TILE) tile(&l, row, panel);
    double took = seconds() - start;
    if (took < best) best = took;
  }
  int right = 1;
  for (int sample = 0; sample < SAMPLES; sample++) {
    int i = rand() % m, j = rand() % n, sum = 0;
    for (int x = 0; x < k; x++) sum += a[i * k + x] * b[j * k + x];
    right &= sum == l.c[i * n + j];
  }
  printf("%.2f %s\n", (double)m * k * n / best / 1e9, right ? "right" : "wrong");
  return right ? 0 : 1;
}
