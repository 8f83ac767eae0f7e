/** `plinth test`: validates a plugin, checks how it runs, and runs the tests of its author. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RunCommand } from '../command.js';
import { writeWhole } from '../files/write-files.js';
import { CliError } from '../terminal/cli-error.js';
import { runChecks } from '../test/run-checks.js';
import { validatePlugin } from '../validate/validate-plugin.js';

/** Set for the tests, so that a script that calls this command doesn't run for ever. */
const RUNNING = 'PLINTH_TEST_RUNNING';

/** Tests the plugin in a folder. */
export const run: RunCommand = async ([path = '.'], options, terminal) => {
  const folder = resolve(path);
  if (process.env[RUNNING] === folder)
    throw new CliError('test/recursive', "the script 'test' of package.json calls plinth test", {
      cure: "Let the script run the tests themselves, for example 'node --test'.",
    });
  const { ok, findings } = await validatePlugin(folder);
  for (const { file, place, rule, message, cure } of findings) {
    const at = `${file}:${place.line}:${place.column}`;
    terminal.note(`${at} ${terminal.paint('dim', rule)} ${message}`);
    if (cure !== undefined) terminal.note(`  ${terminal.paint('cyan', 'cure')} ${cure}`);
  }
  if (!ok) {
    const { length } = findings.filter(({ severity }) => severity === 'error');
    return {
      data: { findings, checks: [], tests: 'not run' },
      text: `not valid: ${length} ${length === 1 ? 'error' : 'errors'}. plinth validate shows each in its source.`,
      failed: true,
    };
  }
  const { report, text, junit } = await runChecks(folder, options);
  if (typeof options['junit'] === 'string') await writeWhole(resolve(options['junit']), junit);
  terminal.note(text);
  const tests = (await hasTests(folder)) ? await runTests(folder, terminal.json) : 'none';
  const failed = !report.ok || tests === 'failed';
  return {
    data: { findings, checks: report.checks, tests },
    text: failed ? verdictOf(report.ok, tests) : terminal.paint('green', verdictOf(true, tests)),
    failed,
  };
};

function verdictOf(checked: boolean, tests: 'failed' | 'none' | 'passed'): string {
  const own = {
    failed: 'its tests fail',
    none: 'it has no tests of its own',
    passed: 'its tests pass',
  };
  return `valid, ${checked ? 'its checks pass' : 'some of its checks fail'}, and ${own[tests]}`;
}

async function hasTests(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const { scripts } = JSON.parse(text) as { readonly scripts?: Readonly<Record<string, string>> };
  return scripts?.['test'] !== undefined;
}

/** Runs the script; its output is shown, on stderr where stdout is for JSON. */
function runTests(folder: string, json: boolean): Promise<'failed' | 'passed'> {
  return new Promise((done, fail) => {
    const child = spawn('npm', ['test'], {
      cwd: folder,
      env: { ...process.env, [RUNNING]: folder },
      stdio: ['ignore', json ? 2 : 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    child.once('error', fail);
    child.once('close', (code) => done(code === 0 ? 'passed' : 'failed'));
  });
}
