/** Options of a kernel that an operator sets in the environment of the process. */
import { delimiter } from 'node:path';
import { consoleSink, type KernelOptions, type LogSink } from '@plinth/kernel';
import { createError, LOG_LEVELS, type LogLevel } from '@plinth/sdk/contract';

type Environment = Readonly<Record<string, string | undefined>>;

/** Folders of `PLUGINS_DIR`. Undefined where the options say where plugins come from. */
export function pluginsIn(
  { PLUGINS_DIR: folders }: Environment,
  { sources }: Pick<KernelOptions, 'sources'>,
): readonly string[] | undefined {
  if (sources !== undefined || folders === undefined) return undefined;
  return folders.split(delimiter).filter((folder) => folder !== '');
}

/**
 * What the environment says of options that are absent.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` that names the variable.
 */
export function fromEnvironment(
  { PLUGINS_ALLOW: allow, PLUGINS_LOG_LEVEL: level }: Environment,
  { policy, telemetry }: Pick<KernelOptions, 'policy' | 'telemetry'>,
): Pick<KernelOptions, 'policy' | 'telemetry'> {
  return {
    ...(allow !== undefined &&
      policy?.allow === undefined && { policy: { ...policy, allow: listOf(allow) } }),
    ...(level !== undefined &&
      telemetry?.log === undefined && { telemetry: { ...telemetry, log: sinkFor(level) } }),
  };
}

function listOf(text: string): readonly string[] {
  const ids = text.split(',').map((id) => id.trim());
  const wrong = ids.find((id) => id !== '' && !/^[a-z][a-z0-9.-]*\*?$|^\*$/i.test(id));
  if (wrong === undefined) return ids.filter((id) => id !== '');
  throw createError(
    'kernel/invalid-option',
    `'PLUGINS_ALLOW' is a list of plugin ids, or prefixes that end in '*', separated by commas, not '${wrong.slice(0, 80)}'`,
    { details: { option: 'PLUGINS_ALLOW' } },
  );
}

function sinkFor(text: string): LogSink | false {
  if (text === 'silent') return false;
  const least = LOG_LEVELS.indexOf(text as LogLevel);
  if (least === -1)
    throw createError(
      'kernel/invalid-option',
      `'PLUGINS_LOG_LEVEL' is one of ${LOG_LEVELS.join(', ')} and silent, not '${text.slice(0, 80)}'`,
      { details: { option: 'PLUGINS_LOG_LEVEL' } },
    );
  return (entry) => {
    if (LOG_LEVELS.indexOf(entry.level) >= least) consoleSink(entry, true);
  };
}
