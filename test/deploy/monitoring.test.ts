/** What watches a seed asks for figures that a seed tells. */
import { mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { removeData, startSeed } from '../../e2e/support/seed.ts';

// A process of its own, which loads everything anew.
vi.setConfig({ testTimeout: 180_000 });

const read = (path: string): string => readFileSync(path, 'utf8');
const alerts = read('deploy/prometheus/alerts.yml');
const dashboard = JSON.parse(read('deploy/grafana/pila.json')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};
const operate = read('docs/operate.md');

/** Names of figures in an expression, and what it picks by labels. */
function usedIn(expr: string): { name: string; labels: [string, string][] }[] {
  return [...expr.matchAll(/\b((?:pila|libp2p|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name, picked = '']) => ({
      name: name!,
      labels: [...picked.matchAll(/(\w+)=~?"([^"]*)"/g)].map(([, label, value]) => [
        label!,
        value!,
      ]),
    }),
  );
}
const alertExprs = [...alerts.matchAll(/^\s+expr: (.*)$/gm)].map(([, expr]) => expr!);
const panelExprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

it('figures of alerts and of panels are in /metrics, with the labels they are picked by', async () => {
  // Its data lie on another disk than the program.
  const seed = await startSeed({ data: mkdtempSync('/dev/shm/pila-watched-') });
  const text = await (await fetch(`${seed.rpcUrl}metrics`)).text();
  await seed.kill();
  removeData(seed);
  const room = /^nodejs_fs_usage_bytes\{filesystem="total"\} (\d+)$/m.exec(text)![1];
  const { blocks, bsize } = statfsSync('/dev/shm');
  expect(Number(room)).toBe(blocks * bsize);
  expect(Number(room)).not.toBe(statfsSync('.').blocks * statfsSync('.').bsize);
  const told = new Set<string>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    told.add(name!);
    if (type === 'histogram')
      for (const end of ['bucket', 'sum', 'count']) told.add(`${name}_${end}`);
  }
  const used = [...alertExprs, ...panelExprs].flatMap(usedIn);
  expect(used.filter(({ name }) => !told.has(name))).toEqual([]);
  const unpicked = used.filter(({ name, labels }) =>
    labels.some(([label, value]) => {
      const series = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      return !value
        .split('|')
        .every((one) => series.some((line) => line.includes(`${label}="${one}"`)));
    }),
  );
  expect(unpicked).toEqual([]);
  expect(alertExprs.length).toBeGreaterThan(8);
  expect(panelExprs.length).toBeGreaterThan(20);
  // None of ours is left without a panel.
  const shown = new Set(panelExprs.flatMap(usedIn).map(({ name }) => name.replace(/_bucket$/, '')));
  const own = [...text.matchAll(/^# TYPE (pila_\w+) /gm)].map(([, name]) => name!);
  expect(own.filter((name) => !shown.has(name))).toEqual([]);
});

it('each alert is one that operate.md says what to do about', () => {
  const named = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  const told = [...operate.matchAll(/^- `(Pila\w+)` — /gm)].map(([, name]) => name!);
  expect(told.sort()).toEqual(named.sort());
});

it('Prometheus and Grafana are started with what lies here', () => {
  const compose = read('deploy/compose.yml');
  const mounted = [...compose.matchAll(/\.\/([\w/.]+):\//g)].map(([, path]) => path!);
  for (const path of ['prometheus', 'grafana/provisioning', 'grafana/pila.json'])
    expect(mounted).toContain(path);
  const prometheus = read('deploy/prometheus/prometheus.yml');
  expect(prometheus).toContain('rule_files: [alerts.yml]');
  expect(prometheus).toContain("targets: ['pila:8792']");
  // Exact versions, and no port of the world but the seed's UDP.
  const images = [...compose.matchAll(/image: (\S+)/g)].map(([, image]) => image!);
  for (const image of images.filter((name) => name !== 'pila'))
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
  const ports = [...compose.matchAll(/^\s+ports: \[(.*)\]$/gm)].flatMap(([, list]) =>
    list!.split(', '),
  );
  expect(ports.filter((port) => !port.startsWith("'127.0.0.1:"))).toEqual(["'8791:8791/udp'"]);
});

it('the container has an exact base and keeps its health check', () => {
  const file = read('deploy/Containerfile');
  const bases = [...file.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base!);
  expect(bases).toHaveLength(2);
  for (const base of bases)
    expect(base).toMatch(/^docker\.io\/library\/\w+:\d+(\.\d+)+-[\w-]*slim$/);
  expect(file).toMatch(/^HEALTHCHECK /m);
  // OCI's format, podman's own, leaves it out.
  for (const text of [file, operate])
    for (const [line] of text.matchAll(/podman build .*/g))
      expect(line).toContain('--format docker');
});
