/** `ctx.own`: what ends with the plugin, and what runs on its own behalf. */
import type { PluginContext } from '../../context.js';
import { DISPOSE } from '../../contract/scope.js';
import { functionIn } from '../arguments.js';
import { onOwnBehalf } from '../handler-call.js';
import type { ContextParts } from './context-parts.js';

/** What can end with the plugin. */
type Ownable = { dispose(): unknown } | { [DISPOSE](): unknown };

/** Creates `own` for one activation. */
export function createOwn({ handling, scope }: ContextParts): PluginContext['own'] {
  return ((value: Ownable | ((own: object) => unknown)) => {
    if (typeof value === 'function' && !('dispose' in value) && !(DISPOSE in value))
      return onOwnBehalf(handling, value);
    const owned = value as Ownable;
    const dispose =
      owned === null || owned === undefined
        ? undefined
        : ((owned as { dispose?: unknown }).dispose ?? (owned as { [DISPOSE]?: unknown })[DISPOSE]);
    functionIn(dispose, "'dispose' of what a plugin owns");
    scope.add(() => ('dispose' in owned ? owned.dispose() : owned[DISPOSE]()));
    return owned;
  }) as PluginContext['own'];
}
