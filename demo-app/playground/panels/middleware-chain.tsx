/** What stands around a command: each middleware, the handler, and what each part takes. */
import type { Span } from '../kernel/trace.ts';
import { chainOf } from '../model/chain.ts';
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
    .flatMap(({ id }) =>
      kernel.plugins.capabilities(id).middleware.some((target) => wraps(target, command))
        ? [id]
        : [],
    );
  const last = lastOf(traces.list().map(rootOf), command);
  return (
    <div class="panel">
      <h3>Chain of {plainText(command, 80)}</h3>
      <ol class="chain" aria-label="Parts of the chain">
        <li>application</li>
        {chainOf(owner, around, last).map(({ label, took, share, failed }, index) => (
          <li key={`${index} ${label}`} data-part={label} data-failed={failed}>
            <span>{plainText(label, 120)}</span>
            <span class="track" aria-hidden="true">
              <span class="bar" style={{ width: `${share * 100}%` }} />
            </span>
            <span class="took">{timeOf(last, took, failed)}</span>
          </li>
        ))}
      </ol>
      <p class="hint">
        {last?.took === undefined
          ? 'Run it to see what each part takes.'
          : `Last call: ${milliseconds(last.took)} in all. Each part without those inside of it.`}
      </p>
    </div>
  );
}

function timeOf(last: Span | undefined, took: number | undefined, failed: boolean): string {
  if (last === undefined) return '';
  if (took === undefined) return 'not reached';
  return failed ? `${milliseconds(took)}, failed` : milliseconds(took);
}

function lastOf(roots: readonly (Span | undefined)[], command: string): Span | undefined {
  return roots.find((span) => span?.target === command && span.took !== undefined);
}

/** Whether a target of middleware, like `command:demo.notes:*`, covers a command. */
function wraps(target: string, command: string): boolean {
  const whole = `command:${command}`;
  return target === whole || (target.endsWith('*') && whole.startsWith(target.slice(0, -1)));
}
