/** Caddy and nginx as Debian packs them and docs/operate.md configures them, but without TLS. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Packages are unpacked here and not installed: an installed proxy would start as a service. */
const FOLDER = '.cache/siege';

export interface Proxy {
  readonly name: string;
  start(port: number, seedPort: number): ChildProcess;
}

/** The program, this system's or unpacked. @throws where neither is to be had */
function programOf(name: string, path: string): string {
  if (existsSync(path)) return path;
  const unpacked = join(process.cwd(), FOLDER, path);
  if (existsSync(unpacked)) return unpacked;
  mkdirSync(FOLDER, { recursive: true });
  execFileSync('apt-get', ['download', name], { cwd: FOLDER, stdio: 'pipe' });
  const file = readdirSync(FOLDER).find((each) => each.startsWith(`${name}_`))!;
  execFileSync('dpkg', ['-x', file, '.'], { cwd: FOLDER, stdio: 'pipe' });
  return unpacked;
}

/** The operator's handbook's block in the language of a program's configuration. */
export function documented(program: 'caddy' | 'nginx' | 'sysctl'): string {
  const text = readFileSync('docs/operate.md', 'utf8');
  const block = new RegExp(`^\`\`\`${program}\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1];
  if (!block) throw new Error(`docs/operate.md has no block for ${program}`);
  return block.replaceAll(/127\.0\.0\.1:8790/g, '127.0.0.1:$SEED');
}

/** Sets what the handbook tells of the kernel. @returns what sets it back */
export function tuneKernel(): () => void {
  const settings = [...documented('sysctl').matchAll(/^([\w.]+) = (.+)$/gm)].map(
    ([, name, value]) => ({ path: `/proc/sys/${name!.replaceAll('.', '/')}`, value: value! }),
  );
  const before = settings.map(({ path }) => readFileSync(path, 'utf8'));
  for (const { path, value } of settings) writeFileSync(path, value);
  return () => settings.forEach(({ path }, i) => writeFileSync(path, before[i]!));
}

/** @throws where a program is not to be had */
export function openProxies(scratch: string): Proxy[] {
  const caddy = programOf('caddy', '/usr/bin/caddy');
  const nginx = programOf('nginx', '/usr/sbin/nginx');
  const env = { ...process.env, HOME: scratch, XDG_DATA_HOME: scratch, XDG_CONFIG_HOME: scratch };
  const run = (program: string, args: string[]) =>
    spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const write = (name: string, text: string, seedPort: number): string => {
    const file = join(scratch, name);
    writeFileSync(file, text.replaceAll('$SEED', String(seedPort)));
    return file;
  };
  return [
    {
      name: 'caddy',
      start(port, seedPort) {
        const site = documented('caddy').replace('pila.example', `http://:${port}`);
        const file = write('Caddyfile', `{\n  admin off\n  auto_https off\n}\n${site}`, seedPort);
        return run(caddy, ['run', '--adapter', 'caddyfile', '--config', file]);
      },
    },
    {
      name: 'nginx',
      start(port, seedPort) {
        const server = documented('nginx')
          .replace('listen 443 ssl', `listen ${port}`)
          .replaceAll(/^.*(ssl_certificate|server_name).*\n/gm, '');
        const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
          (part) => `${part}_temp_path ${scratch}/${part};`,
        );
        const text = `daemon off; user root; pid ${scratch}/nginx.pid; error_log stderr error;
          worker_processes 1; worker_rlimit_nofile 16384; events { worker_connections 8192; }
          http { access_log off; ${places.join(' ')} ${server} }`;
        return run(nginx, ['-p', scratch, '-c', write('nginx.conf', text, seedPort)]);
      },
    },
  ];
}
