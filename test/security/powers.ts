/**
 * What a Node process can do: files, processes, signals, databases. Behind the wall none of it is
 * available; the permission model alone must block most of it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  startScene,
} from './attack.ts';

/** Every way to load a module. */
const LOAD = `
  const load = async (name) => {
    for (const get of [() => process.getBuiltinModule(name), () => require(name), () => (0, eval)("import('" + name + "')"), () => (() => {}).constructor("return import('" + name + "')")()]) try { const module = await get(); if (module) return module; } catch {}
    throw new Error('no module');
  };`;

const CANARY = 'canary-that-must-not-be-read';
const SECRET_TEXT = `export default '${CANARY}';`;

interface Power {
  readonly code: string;
  /** Whether Node's permission model must block it alone; the docs list what it lets through. */
  readonly alone?: boolean;
}

/**
 * The witness is a folder with a secret in it: its content afterwards, and whether the secret has
 * got out.
 */
function power(name: string, { code, alone = true }: Power): Attack {
  const run = async (isolation: Isolation) => {
    const folder = mkdtempSync(join(tmpdir(), 'plinth-witness-'));
    const secret = join(folder, 'secret.mjs');
    writeFileSync(secret, SECRET_TEXT);
    process.env.PLINTH_WITNESS = CANARY;
    let signalled = false;
    const onSignal = () => {
      signalled = true;
    };
    process.on('SIGWINCH', onSignal);
    const { argv } = process;
    process.argv = [...argv, CANARY];
    try {
      const facts = { folder, secret, made: join(folder, 'made'), host: process.pid };
      const kernel = await startScene(
        isolation,
        `const { folder, secret, made, host } = ${JSON.stringify(facts)}; ${LOAD} ${code}`,
      );
      const said = await attack(kernel);
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (String(said).includes(CANARY) || said === folder) return 'it has read what it must not';
      if (signalled) return 'it has sent a signal to the host';
      if (
        !existsSync(secret) ||
        readFileSync(secret, 'utf8') !== SECRET_TEXT ||
        readdirSync(folder).length !== 1
      )
        return `it has written ${readdirSync(folder).join()}`;
      return await disturbed(kernel);
    } finally {
      process.off('SIGWINCH', onSignal);
      process.argv = argv;
      delete process.env.PLINTH_WITNESS;
      rmSync(folder, { recursive: true, force: true });
    }
  };
  return {
    name,
    only: ['node', 'a page has none of it'],
    also: alone ? ['process'] : [],
    attempt: run,
    control: () => run('inline'),
  };
}

export const powers: AttackClass = [
  'modules and the process',
  [
    power('reading a file', {
      code: "return (await load('node:fs')).readFileSync(secret, 'utf8');",
    }),
    power('reading a file by a stream and by a promise', {
      code: "const fs = await load('node:fs'); try { return await fs.promises.readFile(secret, 'utf8'); } catch {} let text = ''; for await (const piece of fs.createReadStream(secret)) text += piece; return text;",
    }),
    power('reading a file by its descriptor in /proc', {
      code: "const fs = await load('node:fs'); return fs.readFileSync('/proc/self/root' + secret, 'utf8');",
    }),
    power('listing a folder', {
      code: "const fs = await load('node:fs'); if (fs.readdirSync(folder).includes('secret.mjs')) return (await load('node:process')).env.PLINTH_WITNESS ?? folder;",
    }),
    power('writing a file', { code: "(await load('node:fs')).writeFileSync(made, 'x');" }),
    power('changing a file', { code: "(await load('node:fs')).appendFileSync(secret, 'x');" }),
    power('deleting a file', { code: "(await load('node:fs')).rmSync(secret);" }),
    power('a link to a file', { code: "(await load('node:fs')).symlinkSync(secret, made);" }),
    power('a folder of its own', { code: "(await load('node:fs')).mkdtempSync(made);" }),
    power('the environment', {
      code: "return (globalThis.process ?? await load('node:process')).env.PLINTH_WITNESS;",
    }),
    power('the environment of the host, by /proc', {
      code: "const fs = await load('node:fs'); const { env, ppid } = await load('node:process'); return [env.PLINTH_WITNESS, (() => { try { return fs.readFileSync('/proc/' + ppid + '/environ', 'utf8'); } catch { return ''; } })()].join();",
    }),
    power('the command line', {
      code: "return (globalThis.process ?? await load('node:process')).argv.join();",
    }),
    power('a command of the shell', {
      code: "(await load('node:child_process')).execFileSync('/bin/sh', ['-c', 'echo x > ' + made]);",
    }),
    power('a process of Node without the permission model', {
      code: "const { execPath } = await load('node:process'); (await load('node:child_process')).spawnSync(execPath, ['-e', 'require(\"fs\").writeFileSync(' + JSON.stringify(made) + ', \"x\")'], { env: {} });",
    }),
    power('a thread without the permission model', {
      code: "const { Worker } = await load('node:worker_threads'); const worker = new Worker('require(\"fs\").writeFileSync(' + JSON.stringify(made) + ', \"x\")', { eval: true, execArgv: [] }); await new Promise((done) => { worker.on('exit', done); worker.on('error', done); });",
    }),
    power('the bindings of the process', {
      code: "const { binding } = globalThis.process ?? await load('node:process'); const { internalModuleReadJSON, readFileUtf8 } = binding('fs'); try { return readFileUtf8(secret, 0); } catch {} return (await load('node:fs')).readFileSync(secret, 'utf8');",
    }),
    power('an addon', {
      code: "const { createRequire } = await load('node:module'); try { (globalThis.process ?? await load('node:process')).dlopen({ exports: {} }, secret); } catch (error) { if (!/ERR_DLOPEN_DISABLED|ACCESS_DENIED/.test(error.code)) return (await load('node:fs')).readFileSync(secret, 'utf8'); } createRequire(secret)(secret);",
    }),
    power('a file loaded as a module', {
      code: 'return (await (0, eval)("import(\'file://" + secret + "\')")).default;',
    }),
    power('a snapshot of the heap', { code: "(await load('node:v8')).writeHeapSnapshot(made);" }),
    power('a report of the process', {
      code: "const { report } = globalThis.process ?? await load('node:process'); report.directory = folder; report.writeReport('made');",
    }),
    // Node's permission model doesn't block it: hardened JavaScript is the only wall here.
    power('a signal to the host', {
      code: "(globalThis.process ?? await load('node:process')).kill(host, 'SIGWINCH');",
      alone: false,
    }),
    power('a database in a file', {
      code: "const { DatabaseSync } = await load('node:sqlite'); new DatabaseSync(made).exec('create table a (b)');",
      alone: false,
    }),
    power('a database in a file, attached', {
      code: `const { DatabaseSync } = await load('node:sqlite'); new DatabaseSync(':memory:').exec("attach '" + made + "' as x; create table x.a (b)");`,
      alone: false,
    }),
    power('the names of the machine and of its user', {
      code: `const os = await load('node:os'); if (os.hostname() && os.userInfo().username) return '${CANARY}';`,
      alone: false,
    }),
  ],
];
