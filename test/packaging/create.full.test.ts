/**
 * What `plinth create` makes works as it is, with the packages as they are published, in a folder
 * with nothing else: `npm install && npm test && npm run dev`.
 */
import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { PACKAGES, type Packed, pack } from './packed.ts';
import { startChromium } from './site.ts';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
const npm = (cwd: string, ...args: readonly string[]) =>
  run('npm', [...args], { cwd, env, timeout: 300_000 }).catch(
    ({ message, stdout, stderr }: Record<'message' | 'stdout' | 'stderr', string>) => {
      throw new Error(`${message}\n${stdout}${stderr}`);
    },
  );

let packed: Packed;
let tool: string;
beforeAll(async () => {
  packed = await pack();
  tool = join(packed.folder, 'tool');
  await run('mkdir', [tool]);
  await install(tool, {});
}, 300_000);
afterAll(() => packed?.remove());

/** Installs in a folder, with the tarballs in place of what the registry has. */
async function install(
  folder: string,
  manifest: { dependencies?: object; devDependencies?: object },
) {
  const tarballs = Object.fromEntries(
    PACKAGES.map((name) => [`@plinth/${name}`, `file:${packed.tarballs[name]}`]),
  );
  const others = Object.fromEntries(
    Object.entries({ ...manifest.devDependencies }).filter(
      ([name]) => !name.startsWith('@plinth/'),
    ),
  );
  const text = JSON.stringify({
    name: 'tool',
    private: true,
    ...manifest,
    dependencies: { ...manifest.dependencies, ...tarballs },
    devDependencies: others,
  });
  await writeFile(join(folder, 'package.json'), text);
  await npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock');
}

async function create(name: string, ...args: readonly string[]): Promise<string> {
  await run(join(tool, 'node_modules/.bin/plinth'), ['create', name, ...args], {
    cwd: packed.folder,
    env,
  });
  const folder = join(packed.folder, name);
  await install(folder, JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  return folder;
}

/** Runs `npm run dev` until a line matches, and stops it. */
async function develop(folder: string, wanted: RegExp): Promise<string> {
  const child = spawn('npm', ['run', 'dev'], {
    cwd: folder,
    env: { ...env, PORT: '0' },
    detached: true,
  });
  const stop = () => {
    try {
      process.kill(-(child.pid as number), 'SIGINT');
    } catch {
      // It has ended.
    }
  };
  onTestFinished(stop);
  return new Promise((resolve, reject) => {
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => {
        const found = wanted.exec(stripVTControlCharacters(line));
        if (found !== null) resolve(found[0]);
      });
    child.on('exit', () => reject(new Error('npm run dev has ended')));
  });
}

it.each(['ts', 'js'])(
  'a plugin in %s',
  async (language) => {
    const folder = await create(`notes-${language}`, '--language', language);
    expect((await npm(folder, 'test')).stdout).toContain('pass 1');
    await develop(folder, /^ready 1 active/);
  },
  300_000,
);

it.each(['ts', 'js'])(
  'a plugin with routes in %s',
  async (language) => {
    const folder = await create(`texts-${language}`, '--template', 'http', '--language', language);
    expect((await npm(folder, 'test')).stdout).toContain('pass 2');
    const url = await develop(folder, /http:\/\/\S+/);
    const headers = { 'content-type': 'text/plain' };
    const put = await fetch(`${url}/list`, { method: 'PUT', headers, body: 'milk' });
    expect(put.status).toBe(201);
    expect(await (await fetch(`${url}/list`)).text()).toBe('milk');
  },
  300_000,
);

it.each(['ts', 'js'])(
  'a plugin with a view in %s',
  async (language) => {
    const folder = await create(`count-${language}`, '--template', 'ui', '--language', language);
    expect((await npm(folder, 'test')).stdout).toContain('pass 2');
  },
  300_000,
);

it('an application for Node', async () => {
  const folder = await create('shop', '--template', 'app-node');
  expect((await npm(folder, 'test')).stdout).toContain('pass 1');
  expect((await npm(folder, 'start')).stdout).toContain('greeted: Ada\nHello, Ada! (1 times)');
  await develop(folder, /^ready 1 active/);
}, 300_000);

it.each(['ts', 'js'])(
  'a page in %s',
  async (language) => {
    const folder = await create(
      `page-${language}`,
      '--template',
      'app-vite',
      '--language',
      language,
    );
    expect((await npm(folder, 'test')).stdout).toContain('pass 1');
    await npm(folder, 'run', 'build');
    const url = await develop(folder, /http:\/\/\S+/);
    const browser = await startChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByText('Hello, Ada! (1 times)').waitFor();
  },
  300_000,
);

it.each(['ts', 'js'])(
  'a React page in %s',
  async (language) => {
    const folder = await create(
      `react-${language}`,
      '--template',
      'app-react',
      '--language',
      language,
    );
    expect((await npm(folder, 'test')).stdout).toContain('pass 1');
    await npm(folder, 'run', 'build');
    const url = await develop(folder, /http:\/\/\S+/);
    const browser = await startChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole('button', { name: 'Greet' }).click();
    await page.getByText('Hello, Ada! (1 times)').waitFor();
  },
  300_000,
);
