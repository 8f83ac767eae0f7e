/** `plinth validate`: tells what is wrong with a plugin, where, and what cures it. */
import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import type { CommandResult, RunCommand } from '../command.js';
import { CliError } from '../terminal/cli-error.js';
import { codeFrame } from '../terminal/code-frame.js';
import type { Terminal } from '../terminal/terminal.js';
import type { Finding } from '../validate/finding.js';
import { fixManifest } from '../validate/fix-manifest.js';
import { toSarif } from '../validate/sarif.js';
import { type ValidateOptions, validatePlugin } from '../validate/validate-plugin.js';

/** Validates the plugin at a path. */
export const run: RunCommand = async ([path = '.'], options, terminal) => {
  const { format = 'text' } = options;
  if (format !== 'text' && format !== 'sarif')
    throw new CliError('cli/usage', `--format takes text or sarif, not '${String(format)}'`, {
      usage: true,
    });
  const root = resolve(path);
  const given: ValidateOptions = {
    ...(typeof options.entry === 'string' && { entry: options.entry }),
    ...(typeof options.against === 'string' && { against: options.against }),
  };
  let { ok, findings } = await validatePlugin(root, given);
  let fixed: readonly Finding[] = [];
  if (options.fix === true) {
    await requireFolder(root);
    fixed = await fixManifest(root, findings);
    if (fixed.length > 0) ({ ok, findings } = await validatePlugin(root, given));
  }
  if (format === 'sarif') {
    const base = relative(process.cwd(), root).split(sep).join('/');
    terminal.out(JSON.stringify(toSarif(findings, base), null, 2));
    return { data: {}, text: '', written: true, failed: !ok };
  }
  return {
    data: { findings, fixed },
    text: await told(root, findings, fixed, terminal),
    failed: !ok,
  };
};

async function requireFolder(root: string): Promise<void> {
  if ((await stat(root)).isDirectory()) return;
  throw new CliError('cli/usage', '--fix changes plugin.json of a folder, not an archive', {
    usage: true,
  });
}

async function told(
  root: string,
  findings: readonly Finding[],
  fixed: readonly Finding[],
  terminal: Terminal,
): Promise<CommandResult['text']> {
  const parts: string[] = [];
  for (const { file, place, severity, rule, message, cure } of findings) {
    const look = severity === 'error' ? 'red' : 'yellow';
    const text = await readFile(join(root, file), 'utf8').catch(() => undefined);
    parts.push(
      [
        `${file}:${place.line}:${place.column} ${terminal.paint(look, severity)} ${terminal.paint('dim', rule)} ${message}`,
        ...(text === undefined || text.length > 1_000_000 ? [] : [codeFrame(text, place)]),
        ...(cure === undefined ? [] : [`${terminal.paint('cyan', 'cure')} ${cure}`]),
      ].join('\n'),
    );
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const summary = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  if (fixed.length > 0) parts.push(`fixed in plugin.json: ${plural(fixed.length, 'finding')}`);
  parts.push(errors > 0 ? terminal.paint('red', summary) : `valid: ${summary}`);
  return parts.join('\n\n');
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
