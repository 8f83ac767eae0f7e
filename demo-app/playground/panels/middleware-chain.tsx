/** What stands around a command: the plugins whose middleware wraps it, and what the steps take. */

import type { Span } from '../kernel/tracer.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { rootOf } from '../model/traces.ts';
import { useInspector } from '../parts/context.ts';
import { milliseconds } from '../parts/waterfall.tsx';

export function MiddlewareChain({ command }: { readonly command: string }) {
  const { kernel, plugins, traces } = useInspector();
  useChanges(plugins);
  useChanges(traces.changes);
  const owner = kernel.commands.list().find(({ id }) => id === command)?.plugin;
  if (owner === undefined) return null;
  const around = kernel.plugins
    .list({ state: 'active' })
    .filter(({ id }) =>
      kernel.plugins.capabilities(id).middleware.some((target) => wraps(target, command)),
    );
  const last = lastOf(traces.list().map(rootOf), command);
  const { took, handler } = last ?? {};
  const between = took === undefined || handler === undefined ? undefined : took - handler;
  return (
    <div class="panel">
      <h3>Chain of {plainText(command, 80)}</h3>
      <ol class="chain">
        <li>application</li>
        {around.map(({ id }) => (
          <li key={id}>middleware of {plainText(id, 80)}</li>
        ))}
        <li>handler of {plainText(owner, 80)}</li>
      </ol>
      <p class="hint">
        {between === undefined || handler === undefined
          ? 'Run it to see what each part takes.'
          : `Last call: ${milliseconds(between)} around the handler${around.length === 0 ? '' : ', middleware included'}, ${milliseconds(handler)} in it.`}
      </p>
    </div>
  );
}

function lastOf(roots: readonly (Span | undefined)[], command: string): Span | undefined {
  return roots.find((span) => span?.target === command && span.took !== undefined);
}

/** Whether a target of middleware, like `command:demo.notes:*`, covers a command. */
function wraps(target: string, command: string): boolean {
  const whole = `command:${command}`;
  return target === whole || (target.endsWith('*') && whole.startsWith(target.slice(0, -1)));
}
